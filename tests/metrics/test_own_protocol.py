"""A protocol of somebody else with a rule of objects that no other has, in one file or in an installed package."""

from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from arrays import score_arrays

from vosbench.base import registry
from vosbench.datasets.folder import Folder
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.masks.check import check_predictions
from vosbench.masks.score import score, temporal_stability
from vosbench.metrics.protocols import PROTOCOLS, find_protocol
from vosbench.metrics.published.vos_benchmark import VOS_BENCHMARK
from vosbench.metrics.rules.base import ObjectRule

OWN = '''
from dataclasses import dataclass, replace
from vosbench.metrics.published.vos_benchmark import VOS_BENCHMARK
from vosbench.metrics.rules.base import ObjectRule

@dataclass(frozen=True)
class Largest(ObjectRule):
    """Objects up to an id, in the frames that show them."""

    highest: int = 1

    def objects(self, planned, scored):
        return [i for i in super().objects(planned, scored) if i <= self.highest]

    def frames_of(self, object_id, planned, scored):
        return [frame for frame in scored if object_id in frame.true_ids]

MINE = replace(VOS_BENCHMARK, name="mine", version=3, objects=Largest(2))
'''


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(OWN)
    return str(tmp_path / "mine.py")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Folder, Path]:
    """Objects 1, hidden in frame 2 and from frame 5 on, 2 and 3; predictions are a pixel off."""
    for t in range(40):
        for folder, shift in (("truth/Annotations/ant", 0), ("masks/ant", 1)):
            labels = np.zeros((20, 30), np.uint8)
            if t != 2 and t < 5:
                labels[2:10, 2 + shift : 12 + shift] = 1
            labels[11:15, 2 + shift : 12 + shift], labels[15:, 2 + shift : 12 + shift] = 2, 3
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            write_labels(tmp_path / folder / f"{t:05d}.png", labels)
    return Folder(tmp_path / "truth"), tmp_path / "masks"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_rule_of_ones_own_scores_in_every_process(
    own: str, pair: tuple[Folder, Path], jobs: int, monkeypatch
) -> None:
    monkeypatch.setattr("vosbench.base.processes.WORTHWHILE", 1)
    truth, masks = pair
    scores = score(masks, truth, own, jobs=jobs)
    assert scores.protocol == "mine/3"
    assert [(t.object_id, [int(name) for name in t.frames]) for t in scores.traces] == [
        (1, [1, 3, 4]),
        (2, list(range(1, 39))),
    ]
    assert {j for trace in scores.traces for j in trace.j} == {9 / 11}
    assert [o.pairs for o in temporal_stability(scores, masks, truth, jobs=1)] == [2, 37]
    assert check_predictions(masks, truth, own, jobs=1) == []


def test_kept_scores_know_the_rule(own: str, pair: tuple[Folder, Path], tmp_path: Path) -> None:
    truth, masks = pair
    for text in (OWN, OWN.replace("Largest(2)", "Largest(1)"), OWN.replace("<= self.highest", "< self.highest")):
        Path(own).write_text(text)
        scores = score(masks, truth, own, jobs=1, cache=tmp_path / "kept")
        assert [o.object_id for o in scores.objects] == ([1, 2] if text == OWN else [1])
    assert len(list((tmp_path / "kept").iterdir())) == 3


def test_an_installed_package_may_bring_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "their_protocol.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("theirs", "their_protocol:MINE", "vosbench.protocols")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == point.group else [])
    assert find_protocol("theirs").name == "mine"
    assert "theirs" in PROTOCOLS.names()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from vosbench.metrics.published.sav import SAV", "must define one protocol, but defines 0"),
        (OWN + "\nOTHER = replace(MINE, version=4)", "must define one protocol, but defines 2"),
        (OWN.replace("objects=Largest(2)", "objects='seen'"), "is no protocol"),
    ],
)
def test_what_is_no_protocol(own: str, text: str, said: str) -> None:
    Path(own).write_text(text)
    with pytest.raises(VosbenchError, match=said) as caught:
        find_protocol(own)
    assert ("one that is only imported" in caught.value.hint) == (said.endswith(" 0"))


def test_a_rule_without_an_opinion_takes_every_object_in_every_frame() -> None:
    here, gone = np.ones((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    plain = replace(VOS_BENCHMARK, objects=ObjectRule())
    (trace,) = score_arrays([gone, here, gone, here], [here, gone, gone, here], plain)
    assert trace.j.tolist() == [0, 1]
