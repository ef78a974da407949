"""A data set of somebody else, in one file, this one: its layout is its own, and its objects overlap.

It is given to vosbench by the path of this file, and does all that those do that ship.
"""

import shutil
import zipfile
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import cv2
import numpy as np
import pytest
from arrays import pair_score, score_arrays

from vosbench.base import registry
from vosbench.bench.record import read_run
from vosbench.bench.runner import run
from vosbench.bench.suite import Suite
from vosbench.datasets import DATASETS, Dataset, open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import read_labels, write_labels
from vosbench.masks.check import check_predictions
from vosbench.masks.export import export
from vosbench.masks.score import score
from vosbench.video import MaskSource, ObjectMasks


@dataclass(frozen=True)
class Archive(MaskSource):
    """The planes of a frame as the arrays of an NPZ file, each named by its id."""

    path: Path

    def load(self) -> ObjectMasks:
        try:
            with np.load(self.path) as arrays:
                return ObjectMasks(np.stack(list(arrays.values())) > 0, tuple(map(int, arrays)))
        except (OSError, ValueError) as error:
            raise VosbenchError(f"mask {self.path} is no archive: {error}", "write it again") from None

    def files(self) -> tuple[Path, ...]:
        return (self.path,)


class Stacks(Dataset):
    """Videos `frames/<sequence>/<frame>.png` with masks `masks/<sequence>/<frame>.npz`."""

    name = "stacks"
    splits = ("all",)
    default_protocol = "vos-benchmark"
    server = "stack-server"
    server_folder = "to/"

    def _list_names(self) -> tuple[str, ...]:
        return tuple(sorted(path.name for path in (self.root / "frames").iterdir()))

    def frame_folder(self, name: str) -> Path:
        return self.root / "frames" / name

    def mask_folder(self, name: str) -> Path:
        return self.root / "masks" / name

    @staticmethod
    def read_masks(folder: Path) -> dict[str, MaskSource]:
        return {path.stem: Archive(path) for path in sorted(folder.glob("*.npz"))}


FRAMES = 6


def planes(t: int, shift: int = 0) -> dict[str, np.ndarray]:
    """Object 1, and from frame 1 on object 2, which covers a half of it."""
    one, two = np.zeros((2, 48, 64), bool)
    one[10:30, 5 + 3 * t + shift : 25 + 3 * t + shift] = True
    two[10:30, 15 + 3 * t + shift : 35 + 3 * t + shift] = True
    return {"1": one, "2": two} if t else {"1": one}


def write_stacks(folder: Path, shift: int = 0) -> Path:
    folder.mkdir(parents=True)
    for t in range(FRAMES):
        np.savez(folder / f"{t:05d}.npz", **planes(t, shift))
    return folder


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    (tmp_path / "Stacks/frames/ant").mkdir(parents=True)
    write_stacks(tmp_path / "Stacks/masks/ant")
    for t in range(FRAMES):
        picture = np.full((48, 64, 3), 90, np.uint8)
        for object_id, plane in planes(t).items():
            picture[plane] = 60 * int(object_id)
        assert cv2.imwrite(str(tmp_path / f"Stacks/frames/ant/{t:05d}.png"), picture)
    return tmp_path / "Stacks"


@pytest.fixture
def own(stacks: Path) -> Dataset:
    return open_dataset(__file__, stacks)


def test_a_model_gets_overlapping_first_masks(own: Dataset) -> None:
    sequence = own.sequence("ant")
    assert [(mask.frame_index, mask.object_ids) for mask in sequence.first_masks] == [(0, (1,)), (1, (2,))]
    assert np.array_equal(sequence.first_masks[1].load(), planes(1)["2"][None])  # where object 1 is, too
    assert own.problems() == []


@pytest.mark.usefixtures("lent_pool")
def test_it_runs_and_its_scores_are_those_of_each_object_alone(stacks: Path, tmp_path: Path) -> None:
    """With a strategy that is given the truth among them; predictions are label PNGs, and the truth overlaps."""
    specs = ("every-k:k=2", "oracle-masks")
    run(Suite(__file__, stacks, policies=specs), tmp_path / "run")
    records = read_run(tmp_path / "run")
    assert [record.policy.spec for record in records] == [*specs, "copy-first-mask", "predict-nothing"]
    for record in records:
        assert record.dataset.name == "stacks"
        assert record.scores is not None
        folder = next((tmp_path / "run/masks").glob(f"{record.policy.spec.partition(':')[0]}*")) / "ant"
        for found in record.scores.objects:
            predicted = [read_labels(folder / f"{t:05d}.png") == found.object_id for t in range(1, FRAMES - 1)]
            true = [planes(t)[str(found.object_id)] for t in range(1, FRAMES - 1)]
            pairs = zip(found.j_per_frame, found.f_per_frame, strict=True)
            assert list(pairs) == list(map(pair_score, predicted, true))
        assert [found.object_id for found in record.scores.objects] == [1, 2]


def test_predictions_are_read_in_its_own_layout_or_as_label_pngs(own: Dataset, tmp_path: Path) -> None:
    write_stacks(tmp_path / "same/ant")
    assert [(o.j.mean, o.f.mean) for o in score(tmp_path / "same", own, jobs=1).objects] == [(1, 1), (1, 1)]
    (tmp_path / "flat/ant").mkdir(parents=True)
    for t in range(FRAMES):
        write_labels(tmp_path / f"flat/ant/{t:05d}.png", own.truth("ant").masks[f"{t:05d}"].load().as_labels())
    one, two = score(tmp_path / "flat", own, jobs=2).objects
    assert (one.j.mean, two.j.mean) == (0.5, 1)  # object 2 hides a half of object 1


def test_kept_scores_are_those_of_the_same_files_and_reader(stacks: Path, tmp_path: Path, monkeypatch) -> None:
    masks, kept = tmp_path / "masks", tmp_path / "kept"
    write_stacks(masks / "ant", shift=1)
    reader = Path(shutil.copy(__file__, tmp_path / "mine.py"))
    before = score(masks, open_dataset(str(reader), stacks), jobs=1, cache=kept)
    with monkeypatch.context() as patched:
        patched.setitem(score.__globals__, "score_or_fault", lambda *_: pytest.fail("it was scored again"))
        assert score(masks, open_dataset(str(reader), stacks), jobs=1, cache=kept).objects == before.objects
    write_stacks(tmp_path / "other", shift=2)
    shutil.copy(tmp_path / "other/00002.npz", masks / "ant/00002.npz")
    assert score(masks, open_dataset(str(reader), stacks), jobs=1, cache=kept).objects != before.objects
    assert len(list(kept.iterdir())) == 2
    prints = {open_dataset(str(reader), stacks).fingerprint("ant")}
    reader.write_text(
        reader.read_text().replace("np.stack(list(arrays.values())) > 0", "np.stack([*arrays.values()]) > 0")
    )
    score(masks, open_dataset(str(reader), stacks), jobs=1, cache=kept)
    assert len(list(kept.iterdir())) == 3
    prints.add(open_dataset(str(reader), stacks).fingerprint("ant"))
    np.savez(stacks / "masks/ant/00003.npz", **planes(2))
    assert len(prints | {open_dataset(str(reader), stacks).fingerprint("ant")}) == 3


def test_every_fault_of_masks_and_data_is_told(own: Dataset, stacks: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    write_stacks(masks / "ant", shift=1)
    assert check_predictions(masks, own, jobs=1) == []
    shutil.rmtree(masks)
    write_stacks(masks / "ant")
    np.savez(masks / "ant/00001.npz", **planes(1), **{"7": planes(1)["1"]})
    np.savez(masks / "ant/00002.npz", **{"1": np.ones((48, 63), bool)})
    (masks / "ant/00003.npz").write_bytes(b"nothing")
    (masks / "ant/00004.npz").unlink()
    (masks / "ant/notes.txt").write_text("mine")
    found = [problem.message.replace(f"{masks}", "masks") for problem in check_predictions(masks, own, jobs=1)]
    for expected in (
        "masks/ant lacks 1 of 4 masks: frames 00004",
        "masks/ant holds what is no mask: notes.txt",
        "mask masks/ant/00002.npz is 63x48 pixels, its frame 64x48",
        "mask masks/ant/00003.npz is no archive",
        "masks/ant holds ids that the ground truth does not have: 7, first in 00001",
    ):
        assert sum(message.startswith(expected) for message in found) == 1, (expected, found)
    assert len(found) == 5
    shutil.copy(masks / "ant/00002.npz", stacks / "masks/ant/00002.npz")
    assert [problem.message.replace(f"{stacks}/", "") for problem in own.problems()] == [
        "mask masks/ant/00002.npz is 63x48 pixels, its frame 64x48"
    ]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"0": np.ones((48, 64), bool)}, "masks have the ids [0]"),
        ({"1": np.ones((48, 64), bool), "255": np.ones((48, 64), bool)}, "masks have the ids [1, 255]"),
        ({"300": np.ones((48, 64), bool)}, "masks have the ids [300]"),
        ({"1": np.ones(64, bool)}, "the planes of 1 ids are bool (1, 64)"),
        ({"1": np.ones((48, 64), bool), "01": np.ones((48, 64), bool)}, "masks have the ids [1, 1], not each once"),
    ],
)
def test_ids_and_planes_that_cannot_be_are_told_with_sequence_and_frame(
    own: Dataset, stacks: Path, tmp_path: Path, arrays: dict[str, np.ndarray], said: str
) -> None:
    write_stacks(tmp_path / "masks/ant", shift=1)
    np.savez(tmp_path / "masks/ant/00002.npz", **arrays)
    line = f"sequence ant, frame 00002: {said}"
    assert line in [problem.message for problem in check_predictions(tmp_path / "masks", own, jobs=1)]
    for attempt in (lambda: score(tmp_path / "masks", own, jobs=1), lambda: export(tmp_path / "masks", own, "no.zip")):
        with pytest.raises(VosbenchError) as caught:
            attempt()
        assert line in caught.value.message
    shutil.copy(tmp_path / "masks/ant/00002.npz", stacks / "masks/ant/00002.npz")
    assert [problem.message for problem in own.problems()] == [line]


@pytest.mark.usefixtures("lent_pool")
def test_a_run_goes_on_without_a_sequence_of_wrong_ids(stacks: Path, tmp_path: Path) -> None:
    for kind in ("frames", "masks"):
        shutil.copytree(stacks / kind / "ant", stacks / kind / "bee")
    np.savez(stacks / "masks/bee/00000.npz", **{"0": planes(0)["1"]})
    suite = Suite(__file__, stacks, policies=("lfu",), controls=False, threads=1)
    run(suite, tmp_path / "run")
    ant, bee = read_run(tmp_path / "run")
    assert ant.scores is not None
    assert "sequence bee, frame 00000: masks have the ids [0]" in str(bee.failure)


def test_a_copy_of_the_truth_is_seen(own: Dataset, tmp_path: Path) -> None:
    write_stacks(tmp_path / "masks/ant")
    (problem,) = check_predictions(tmp_path / "masks", own, jobs=1)
    assert "equals the ground truth in 4 of 4 scored frames" in problem.message


def test_masks_are_packed_as_its_server_wants_them(own: Dataset, tmp_path: Path) -> None:
    write_stacks(tmp_path / "masks/ant", shift=1)
    assert export(tmp_path / "masks", own, tmp_path / "out.zip", jobs=1) == FRAMES
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        assert packed.namelist() == [f"to/ant/{t:05d}.npz" for t in range(FRAMES)]


def test_an_installed_package_may_bring_one(stacks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("stacks", f"{__name__}:Stacks", "vosbench.datasets")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == point.group else [])
    assert isinstance(open_dataset("stacks", stacks), Stacks)
    assert "stacks" in DATASETS.names()


def test_a_file_without_a_data_set_says_what_it_lacks(tmp_path: Path, stacks: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("x = 1")
    with pytest.raises(VosbenchError, match="one data set, but defines 0"):
        open_dataset(str(path), stacks)
    path.write_text("from vosbench.datasets import Dataset\nclass Half(Dataset):\n    splits = ('all',)\n")
    with pytest.raises(VosbenchError, match="does not define _list_names, frame_folder, mask_folder"):
        open_dataset(str(path), stacks)


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("splits = 'all'", "splits must be several names, not 'all'", 'write splits = ("all",)'),
        ("splits = ()", "has no splits", 'write splits = ("all",)'),
        ("frame_modes = '24fps'", "frame_modes must be several names, not '24fps'", 'write frame_modes = ("24fps",)'),
        ("private_splits = 'test'", "private_splits must be several names", 'write private_splits = ("test",)'),
        ("def _list_names(self): pass", "gives None, not the names of the sequences", "return a tuple of texts"),
        ("def _list_names(self): return 'ant'", "gives 'ant', not the names of the sequences", "return a tuple"),
        ("def _list_names(self): return [self.root]", "not the names of the sequences", "return a tuple of texts"),
        ("def _list_names(self): return ['../ant']", "names '../ant', which is no sequence", "name each by its folder"),
        ("name = 'davis2017'", "has the name of a published one, davis2017", "give it one of its own"),
        ("def _list_names(self): return ['ant', 'ant']", "gives ant more than once", "give each sequence once"),
    ],
)
def test_what_a_file_declares_wrongly_is_one_line(
    tmp_path: Path, stacks: Path, line: str, message: str, hint: str
) -> None:
    (tmp_path / "mine.py").write_text(f"from {__name__} import Stacks\nclass Mine(Stacks):\n    {line}\n")
    with pytest.raises(VosbenchError) as caught:
        open_dataset(str(tmp_path / "mine.py"), stacks)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_split_that_there_is_not_is_one_line_with_those_that_there_are(stacks: Path) -> None:
    with pytest.raises(VosbenchError, match="unknown split 'val' of stacks") as caught:
        open_dataset(__file__, stacks, "val")
    assert caught.value.hint == "there are: all"


def test_arrays_score_as_files_do(own: Dataset, tmp_path: Path) -> None:
    """Label maps of the same masks: the fast way and that of planes agree where no objects overlap."""
    write_stacks(tmp_path / "masks/ant", shift=1)
    both = score(tmp_path / "masks", own, jobs=1).traces
    truths, predictions = ([planes(t, shift)["1"].astype(np.uint8) for t in range(FRAMES)] for shift in (0, 1))
    (alone,) = score_arrays(predictions, truths, "vos-benchmark")
    assert np.array_equal(both[0].j, alone.j)
    assert np.array_equal(both[0].f, alone.f)
