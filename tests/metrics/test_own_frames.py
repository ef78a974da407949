"""SA-V: each object by the masks of its own folder. A plain loop over planes says what must come out."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from arrays import pair_score
from hypothesis import given, settings
from hypothesis import strategies as st

from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.masks.score import score
from vosbench.metrics.evaluate import score_sequence
from vosbench.metrics.protocols import find_protocol
from vosbench.video import GroundTruth, MasksInMemory, MaskSource, ObjectMasks

SHAPE = (20, 24)


class OwnMasks(MasksInMemory):
    """Planes, each of which is there for itself."""

    def own_masks(self) -> tuple[int, ...] | None:
        return self.masks.ids


def as_masks(objects: Mapping[int, Mapping[int, np.ndarray]]) -> dict[str, MaskSource]:
    """{id: {frame: mask}} as masks by frame name."""
    found: dict[str, MaskSource] = {}
    for frame in sorted({frame for masks in objects.values() for frame in masks}):
        ids = tuple(i for i, masks in sorted(objects.items()) if frame in masks)
        found[f"{frame:05d}"] = OwnMasks(ObjectMasks(np.stack([objects[i][frame] for i in ids]), ids))
    return found


@st.composite
def tracks(draw: st.DrawFn) -> tuple[dict[int, dict[int, np.ndarray]], ...]:
    """True and predicted masks of one to four objects, each over a range of its own with at least one shown inside."""
    true: dict[int, dict[int, np.ndarray]] = {}
    predicted: dict[int, dict[int, np.ndarray]] = {}
    for object_id in draw(st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True)):
        start = draw(st.integers(0, 4))
        end = draw(st.integers(start + 3, 9))
        noise = np.random.default_rng(draw(st.integers(0, 999)))
        for objects in (true, predicted):
            objects[object_id] = {
                frame: (noise.random(SHAPE) < 0.2) & (noise.random() < 0.6) for frame in range(start, end)
            }
        true[object_id][start + 1][3, 3] = True
    return true, predicted


@settings(deadline=None, max_examples=40)
@given(tracks())
def test_each_object_goes_by_its_own_frames(video: tuple[dict[int, dict[int, np.ndarray]], ...]) -> None:
    true, predicted = video
    masks = as_masks(true)
    traces = score_sequence(GroundTruth("video", tuple(masks), masks), as_masks(predicted), find_protocol("sav"))
    assert [trace.object_id for trace in traces] == sorted(true)
    for trace in traces:
        ours, theirs = predicted[trace.object_id], true[trace.object_id]
        inner = sorted(theirs)[1:-1]
        seen = next(frame for frame in inner if ours[frame].any() or theirs[frame].any())
        expected = [(f"{frame:05d}", *pair_score(ours[frame], theirs[frame])) for frame in inner if frame >= seen]
        assert list(zip(trace.frames, trace.j, trace.f, strict=True)) == expected


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Truth and prediction: object 000 in six frames, 001 in the last four but one of them."""
    for kind in ("sav_val/Annotations_6fps", "masks"):
        for number, frames in (("000", range(6)), ("001", range(1, 5))):
            for frame in frames:
                path = tmp_path / kind / "video" / number / f"{4 * frame:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_labels(path, np.ones(SHAPE, np.uint8))
    return tmp_path, tmp_path / "masks"


@pytest.mark.parametrize("unscored", ["000/00000", "000/00020", "001/00004", "001/00016"])
def test_the_first_and_last_prediction_of_an_object_may_be_missing(folders: tuple[Path, Path], unscored: str) -> None:
    root, masks = folders
    (masks / "video" / f"{unscored}.png").unlink()
    found = score(masks, open_dataset("sav", root, "val"), jobs=1)
    assert [(o.object_id, o.frames, o.j.mean) for o in found.objects] == [(1, 4, 1), (2, 2, 1)]


@pytest.mark.parametrize("protocol", ["sav", "vos-benchmark"])
@pytest.mark.parametrize("scored", ["000/00004", "000/00008", "001/00008", "001/00012"])
def test_a_scored_prediction_that_is_missing_is_an_error(
    folders: tuple[Path, Path], scored: str, protocol: str
) -> None:
    root, masks = folders
    (masks / "video" / f"{scored}.png").unlink()
    number, frame = scored.split("/")
    said = rf"lack object {int(number) + 1} in frame {frame}|{scored}\.png does not exist"
    with pytest.raises(VosbenchError, match=said):
        score(masks, open_dataset("sav", root, "val"), protocol, jobs=1)


def test_an_object_that_is_never_shown_is_an_error_with_folders_and_left_out_of_label_maps(
    folders: tuple[Path, Path],
) -> None:
    root, masks = folders
    for frame in (8, 12):
        write_labels(root / f"sav_val/Annotations_6fps/video/001/{frame:05d}.png", np.zeros(SHAPE, np.uint8))
    dataset = open_dataset("sav", root, "val")
    with pytest.raises(VosbenchError, match="ground truth of object 2 is empty in all scored frames"):
        score(masks, dataset, jobs=1)
    truth = dataset.truth("video")
    maps = {name: MasksInMemory.of(source.load().as_labels()) for name, source in truth.masks.items()}
    ends = {"00000", "00020"}
    maps |= {name: MasksInMemory.of(np.full(SHAPE, 2 if name in ends else 1, np.uint8)) for name in maps}
    (trace,) = score_sequence(GroundTruth("video", tuple(maps), maps), maps, find_protocol("sav"))
    assert (trace.object_id, len(trace.frames)) == (1, 4)
