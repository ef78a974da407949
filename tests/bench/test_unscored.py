"""Runs of which nothing, or not all, can be scored: known before the first frame, recorded, never done twice."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vosbench.bench.plan import Plan
from vosbench.bench.runner import run
from vosbench.bench.suite import Suite
from vosbench.errors import VosbenchError
from vosbench.images import read_labels, write_labels
from vosbench.report.tables import latency, strategy

NETWORK = Path(__file__).parents[1] / "toy_network.py"
pytestmark = pytest.mark.usefixtures("lent_pool")


@pytest.fixture
def folder(small_davis: Path, tmp_path: Path) -> Callable[..., Suite]:
    """folder(ant={0: {1: 38, 2: 75}, 3: {}}, ...): a suite on a folder with these masks: frame -> {old id: new}."""

    def build(frames: int = 6, **masks: dict[int, dict[int, int]]) -> Suite:
        root = tmp_path / "videos"
        for name, by_frame in masks.items():
            for t in range(frames):
                (root / "JPEGImages" / name).mkdir(parents=True, exist_ok=True)
                shutil.copy(small_davis / f"JPEGImages/480p/ant/{t:05d}.jpg", root / "JPEGImages" / name)
            for t, ids in by_frame.items():
                labels = read_labels(small_davis / f"Annotations/480p/ant/{t:05d}.png")
                (root / "Annotations" / name).mkdir(parents=True, exist_ok=True)
                new = sum((labels == old) * labels.dtype.type(to) for old, to in ids.items()) + 0 * labels
                write_labels(root / "Annotations" / name / f"{t:05d}.png", new)
        return Suite("folder", root, policies=("first-only",), model=NETWORK, shorter_side=0)

    return build


def scored(records) -> dict[str, dict[int, int]]:
    """Sequence -> {object: frames that count}."""
    return {
        r.sequence: {o.object_id: o.frames for o in r.scores.objects} if r.scores else r.unscored
        for r in records
        if r.policy.spec == "first-only"
    }


BOTH = {1: 1, 2: 2}


@pytest.mark.parametrize(
    ("masks", "found"),
    [
        ({t: {1: 38, 2: 75} for t in range(6)}, {38: 5, 75: 5}),  # ids with a gap
        ({0: {1: 1, 2: 3}, 4: {1: 1, 2: 3}}, {1: 1, 3: 1}),  # sparse
        ({0: {1: 1}, 3: BOTH, 5: BOTH}, {1: 2, 2: 1}),  # an object that appears later
        ({2: BOTH, 3: BOTH}, {1: 1, 2: 1}),  # all of them do
        ({0: BOTH, 5: {}}, {1: 1, 2: 1}),  # gone at the end
        ({0: BOTH}, "sequence ant has no frame to score"),  # the first mask only
        ({0: {1: 1}, 4: {2: 2}}, "sequence ant has no object that counts under the protocol folder"),
    ],
)
def test_any_folder_runs(folder, tmp_path, masks, found):
    records = run(folder(ant=masks), tmp_path / "run")
    assert scored(records) == {"ant": found}
    assert records[0].masks
    assert len(records[0].timings) == 1
    assert len(records) == (3 if isinstance(found, dict) else 1)  # no scores, no controls


@pytest.mark.parametrize(("frames", "found"), [(1, "sequence ant has no frame to score"), (2, {1: 1, 2: 1})])
def test_one_frame_and_two(folder, tmp_path, frames, found):
    records = run(folder(frames, ant=dict.fromkeys(range(frames), BOTH)), tmp_path / "run")
    assert scored(records) == {"ant": found}
    assert (len(records[0].memory.tokens), records[0].timings[0].frames) == (frames, frames)


def test_first_masks_only_run_unscored_with_speed_and_memory(folder, tmp_path, work):
    suite = replace(folder(ant={0: BOTH}, bee={0: {1: 7}}), timing="all")
    records = run(suite, tmp_path / "run", work)
    made = strategy.table(records)
    assert "not scored (sequence ant has no frame to score and 1 more); 2 sequences; " in made.caption
    assert "PARTIAL" not in made.caption
    (row,) = made.rows
    assert row["model_fps"] > 0
    assert row["frames_in_memory_peak"] == 1
    assert latency.table(records).rows[0]["frames"] == 12
    work.clear()
    assert run(suite, tmp_path / "run", work) == records
    assert not work


def test_some_sequences_are_scored_and_the_others_are_told_beforehand(folder, tmp_path):
    suite = folder(ant=dict.fromkeys(range(6), BOTH), bee={0: BOTH}, cat={0: {1: 1, 2: 3}, 3: {1: 1, 2: 3}})
    assert list(Plan(suite).misfits) == ["bee"]
    strict = Plan(replace(suite, protocol="davis2017"))
    assert {name: error.message for name, error in strict.misfits.items()} == {
        name: f"sequence {name} has no ground truth for frame 00001" for name in ("bee", "cat")
    }
    assert strict.advice("bee") == "no protocol can: it has too few masks"
    assert {"folder", "youtube-vos"} <= set(strict.advice("cat").partition(": ")[2].split(", "))
    assert "davis2017" not in strict.advice("cat")
    records = run(suite, tmp_path / "run")
    assert scored(records) == {"ant": {1: 5, 2: 5}, "bee": "sequence bee has no frame to score", "cat": {1: 1, 3: 1}}
    assert "protocol folder/1, PARTIAL (not scored: bee); 3 sequences, 4 objects" in strategy.table(records).caption


def test_objects_that_appear_later_do_not_fit_the_rules_of_davis(folder):
    """Their predicted ids would be refused after all inference."""
    suite = folder(ant={0: {1: 1}} | dict.fromkeys(range(1, 6), BOTH))
    with pytest.raises(VosbenchError, match="sequence ant holds the id 2, but the highest allowed is 1") as caught:
        Plan(replace(suite, protocol="davis2017"))
    assert "protocols that can: " in caught.value.hint
    assert "folder" in caught.value.hint
    assert "--no-score" in caught.value.hint


def test_a_protocol_that_fits_no_sequence_is_an_error_before_the_first_frame(folder, tmp_path, work):
    suite = folder(ant={0: BOTH}, bee={0: BOTH})
    for protocol in ("folder", "davis2017", "vos-benchmark"):
        with pytest.raises(VosbenchError, match=r"sequence ant has no .*; not to be scored either: bee"):
            run(replace(suite, protocol=protocol), tmp_path / "run", work)
    assert not work
    assert all(r.unscored == "no scores were asked for" for r in run(replace(suite, score=False), tmp_path / "run"))


def test_without_scores(small_davis, small_suite, tmp_path, work):
    records = run(small_suite(small_davis, score=False, timing="all"), tmp_path / "run", work)
    assert {r.policy.kind for r in records} == {"strategy"}
    assert all(r.masks and r.timings and not r.scores for r in records)
    assert "not scored (no scores were asked for); 2 sequences" in strategy.table(records).caption
    (oracle,) = run(small_suite(small_davis, score=False, policies=("oracle-masks",), limit=1), tmp_path / "oracle")
    assert oracle.masks  # a reference sees the truth, which nobody scores by
    private = run(small_suite(small_davis, split="test-dev"), tmp_path / "private")
    assert {r.unscored for r in private} == {"the ground truth of davis2017 test-dev is private"}


def test_masks_of_a_run_without_scores_are_scored_by_another_verb(small_davis, small_suite, tmp_path):
    run(small_suite(small_davis, score=False), tmp_path / "run")
    with pytest.raises(VosbenchError, match="score False, not True") as caught:
        run(small_suite(small_davis), tmp_path / "run")
    assert f"vosbench score {tmp_path / 'run/masks'}/* --dataset davis2017 --root {small_davis}" in caught.value.hint


def test_objects_that_are_nowhere_are_told_of_before_the_first_frame(folder):
    gaps = replace(folder(ant={t: {1: 1, 2: 3} for t in range(6)}), protocol="davis2017")
    with pytest.warns(UserWarning, match="its objects are 1 to 3, of which no mask holds 2: .* spoils the mean"):
        Plan(gaps)
    Plan(replace(gaps, protocol=None))
