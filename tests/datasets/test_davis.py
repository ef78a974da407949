import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import write_labels


def test_davis2017_sequence(davis: Path, labels) -> None:
    dataset = open_dataset("davis2017", davis)
    assert (dataset.name, dataset.split, dataset.frame_mode) == ("davis2017", "val", "480p")
    assert dataset.default_protocol == "davis2017"
    sequence = dataset.sequence("dog")
    assert [frame.name for frame in sequence.frames] == ["00000", "00001", "00002", "00003"]
    assert sequence.frames[3].load().shape == (24, 32, 3)
    (first,) = sequence.first_masks
    assert (first.frame_index, first.object_ids) == (0, (1, 2))
    np.testing.assert_array_equal(first.load(), [labels(1, 2) == i for i in (1, 2)])  # void is background
    assert sequence.output_frames == (0, 1, 2, 3)


def test_only_the_first_frame_says_what_to_follow(davis: Path, labels) -> None:
    write_labels(davis / "Annotations/480p/dog/00002.png", labels(1, 2, 3))
    assert open_dataset("davis2017", davis).sequence("dog").object_ids == (1, 2)


def test_davis2016_joins_all_labels(davis: Path, labels) -> None:
    dataset = open_dataset("davis2016", davis)
    (first,) = dataset.sequence("dog").first_masks
    assert first.object_ids == (1,)
    assert first.object_ids == (1,)
    assert first.load().sum() == 2 * 36 + 9
    assert dataset.truth("dog").masks["00001"].load().present() == (1,)
    assert dataset.default_protocol == "davis2016"
    write_labels(davis / "Annotations/480p/bike/00000.png", labels(255))
    assert dataset.sequence("bike").first_masks[0].load().sum() == 36


def test_truth_has_every_frame(davis: Path) -> None:
    truth = open_dataset("davis2017", davis).truth("bike")
    assert truth.frame_names == tuple(truth.masks) == ("00000", "00001", "00002", "00003")
    assert all(source.path.parent == davis / "Annotations/480p/bike" for source in truth.masks.values())


def test_truth_needs_no_frames(davis: Path) -> None:
    shutil.rmtree(davis / "JPEGImages")
    dataset = open_dataset("davis2017", davis)
    assert dataset.truth("dog").frame_names == ("00000", "00001", "00002", "00003")
    assert dataset.fingerprint("dog")
    with pytest.raises(VosbenchError, match=r"dog of davis2017 val is absent: .*JPEGImages/480p/dog does not exist"):
        dataset.sequence("dog")


def test_splits(davis: Path) -> None:
    assert open_dataset("davis2017", davis, "train").sequence_names() == ("goat",)
    assert open_dataset("davis2017", davis, "trainval").sequence_names() == ("goat", "dog", "bike")
    (davis / "ImageSets/2017/mine.txt").write_text("bike\nbike")
    assert open_dataset("davis2017", davis, "mine").sequence_names() == ("bike",)
    with pytest.raises(VosbenchError, match="unknown split 'vall'") as caught:
        open_dataset("davis2017", davis, "vall")
    assert "val" in caught.value.hint
    with pytest.raises(VosbenchError, match="unknown split 'test-dev'"):
        open_dataset("davis2016", davis, "test-dev")
    (davis / "ImageSets/2017/val.txt").write_text("\n")
    with pytest.raises(VosbenchError, match="has no sequence"):
        open_dataset("davis2017", davis)


def test_split_files_of_paths(davis: Path) -> None:
    (davis / "ImageSets/2016/val.txt").unlink()
    (davis / "ImageSets/480p").mkdir()
    lines = [
        f"/JPEGImages/480p/{name}/{i:05d}.jpg /Annotations/480p/{name}/{i:05d}.png\n"
        for name in ("bike", "dog")
        for i in range(4)
    ]
    (davis / "ImageSets/480p/val.txt").write_text("".join(lines))
    assert open_dataset("davis2016", davis).sequence_names() == ("bike", "dog")


def test_split_file_is_absent(davis: Path) -> None:
    (davis / "ImageSets/2016/val.txt").unlink()
    with pytest.raises(VosbenchError, match=r"2016/val.txt or .*480p/val.txt does not exist") as caught:
        open_dataset("davis2016", davis)
    assert caught.value.hint == "splits found there: train"


@pytest.mark.parametrize("folder", ["Full-Resolution", "1080p"])
def test_full_resolution(davis: Path, folder: str) -> None:
    with pytest.raises(VosbenchError, match="holds no Full-Resolution pictures"):
        open_dataset("davis2017", davis, frame_mode="Full-Resolution")
    for kind in ("JPEGImages", "Annotations"):
        (davis / kind / "480p").rename(davis / kind / folder)
    dataset = open_dataset("davis2017", davis, frame_mode="Full-Resolution")
    assert dataset.frame_mode == "Full-Resolution"
    assert dataset.sequence("dog").frames[0].source == davis / "JPEGImages" / folder / "dog/00000.jpg"
    with pytest.raises(VosbenchError, match="holds no 480p pictures"):
        open_dataset("davis2017", davis)


def test_test_dev_runs_but_is_never_scored(davis: Path) -> None:
    (davis / "ImageSets/2017/test-dev.txt").write_text("dog\n")
    for later in ("00001", "00002", "00003"):
        (davis / f"Annotations/480p/dog/{later}.png").unlink()
    dataset = open_dataset("davis2017", davis, "test-dev")
    assert dataset.sequence("dog").object_ids == (1, 2)
    assert dataset.problems() == []
    with pytest.raises(VosbenchError, match="davis2017 test-dev is private") as caught:
        dataset.truth("dog")
    assert "submit" in caught.value.hint


@pytest.mark.parametrize("name", ["davis2016", "davis2017"])
def test_empty_masks(davis: Path, labels, name: str) -> None:
    write_labels(davis / "Annotations/480p/dog/00002.png", labels())
    assert open_dataset(name, davis).problems() == []  # the object has left: fine
    write_labels(davis / "Annotations/480p/dog/00000.png", labels())
    with pytest.raises(VosbenchError, match=r"first mask .*dog/00000.png holds no object"):
        open_dataset(name, davis).sequence("dog")


def test_sequences_and_masks_that_are_not_there(davis: Path) -> None:
    (davis / "ImageSets/2017/val.txt").write_text("dog\ncat\nbike\n")
    (davis / "Annotations/480p/dog/00002.png").unlink()
    (davis / "Annotations/480p/bike/00000.png").unlink()
    dataset = open_dataset("davis2017", davis)
    with pytest.raises(VosbenchError, match=r"sequence cat of davis2017 val is absent: .*cat does not exist"):
        dataset.sequence("cat")
    with pytest.raises(VosbenchError, match=r"Annotations/480p/cat does not exist"):
        dataset.truth("cat")
    with pytest.raises(VosbenchError, match=r"dog lacks the masks of frames 00002"):
        dataset.truth("dog")
    with pytest.raises(VosbenchError, match=r"bike/00000.png does not exist"):
        dataset.sequence("bike")


def test_masks_without_frames_are_refused(davis: Path) -> None:
    (davis / "JPEGImages/480p/dog/00003.jpg").unlink()
    for ask in (open_dataset("davis2017", davis).sequence, open_dataset("davis2017", davis).truth):
        with pytest.raises(VosbenchError, match="lacks frames 00003, which have masks"):
            ask("dog")


def spoil(path: Path, how: str) -> str:
    """Spoil a mask and return what the message must say of it."""
    disc = cv2.circle(np.zeros((24, 32), np.uint8), (16, 12), 7, 255, -1)
    if how == "rgb":
        Image.fromarray(np.zeros((24, 32, 3), np.uint8)).save(path)
        return "is a RGB image, not a label map"
    if how == "size":
        write_labels(path, np.ones((12, 16), np.uint8))
        return "is 16x12 pixels, its frame 32x24"
    if how == "white":
        write_labels(path, disc)
        return "is a 0/255 mask, but object ids are expected"
    if how == "smooth":
        write_labels(path, cv2.GaussianBlur(disc, (5, 5), 0))
        return "is anti-aliased"
    path.write_bytes(path.read_bytes()[:-60])
    return "is not a readable PNG"


@pytest.mark.parametrize("how", ["rgb", "size", "white", "smooth", "truncated"])
def test_unusable_masks(davis: Path, how: str) -> None:
    first, later = (davis / f"Annotations/480p/dog/{frame}.png" for frame in ("00000", "00001"))
    said = spoil(first, how)
    dataset = open_dataset("davis2017", davis)
    with pytest.raises(VosbenchError, match=said) as caught:
        dataset.sequence("dog")
    assert str(first) in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.hint
    spoil(later, how)
    found = dataset.problems()
    assert [problem.path for problem in found] == [first, later]
    assert all(said in problem.message and str(problem.path) in problem.message for problem in found)


def test_check_tells_everything_at_once(davis: Path) -> None:
    (davis / "ImageSets/2017/val.txt").write_text("dog\ncat\nbike\n")
    frames, masks = davis / "JPEGImages/480p", davis / "Annotations/480p"
    jpeg = frames / "dog/00001.jpg"
    jpeg.write_bytes(jpeg.read_bytes()[:-200])
    cv2.imwrite(str(frames / "dog/00003.jpg"), np.zeros((12, 16, 3), np.uint8))
    spoil(masks / "dog/00002.png", "rgb")
    for path in (frames / "bike/00002.jpg", masks / "bike/00002.png"):
        path.unlink()
    (masks / "bike/00003.png").unlink()
    (frames / "bike/00001.jpg").write_bytes(b"")
    said = [
        "dog/00001.jpg is truncated",
        "dog/00003.jpg is 16x12 pixels, the video 32x24",
        "dog/00002.png is a RGB image",
        "dog/00003.png is 32x24 pixels, its frame 16x12",
        "JPEGImages/480p/cat does not exist",
        "Annotations/480p/cat does not exist",
        "bike/00001.jpg is truncated",
        "bike lacks frames 00002 in between",
        "bike lacks the masks of frames 00003",
    ]
    found = open_dataset("davis2017", davis).problems()
    assert len(found) == len(said)
    for text, problem in zip(said, found, strict=True):
        assert text in problem.message
        assert problem.hint


def test_check_of_a_frame_that_is_there_twice(davis: Path) -> None:
    shutil.copy(davis / "Annotations/480p/dog/00001.png", davis / "JPEGImages/480p/dog/00001.png")
    (problem,) = open_dataset("davis2017", davis).problems()
    assert "twice" in problem.message


@pytest.mark.parametrize(("split", "count"), [("val", 6), ("train", 10), ("trainval", 16)])
def test_real_davis2016(shared: Path, split: str, count: int) -> None:
    dataset = open_dataset("davis2016", shared / "data/davis2016-train", split)
    assert len(dataset.sequence_names()) == count
    for name in dataset.sequence_names():
        sequence, truth = dataset.sequence(name), dataset.truth(name)
        assert sequence.object_ids == (1,)
        assert sequence.first_masks[0].load().shape == (1, 480, 854)
        assert truth.frame_names == tuple(truth.masks) == tuple(frame.name for frame in sequence.frames)


def test_real_davis2016_is_sound(shared: Path) -> None:
    dataset = open_dataset("davis2016", shared / "data/davis2016-train", "val")
    assert dataset.only(["bmx-bumps"]).problems() == []
