"""Clips of a data set's sequences, and data sets that cannot be trained on."""

import json

import cv2
import numpy as np
import pytest

from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.training.augment import Augmentation
from vosbench.training.video import VideoClips

STILL = Augmentation("shorter-side", flip=0, brightness=0, contrast=0, saturation=0, grey=0)
GAPS = ((0.0, 1), (0.5, 5))


def clips(dataset, objects=2, **changes):
    return VideoClips(dataset, 32, objects, Augmentation(), **{"gaps": GAPS} | changes)


@pytest.fixture
def numbered(tmp_path):
    """A folder with one video of 12 frames, 32x32: the grey level of frame t is 10 t, objects 4 and 9 stay."""
    labels = np.zeros((32, 32), np.uint8)
    labels[2:14, 2:14], labels[18:30, 18:30], labels[0, 31] = 4, 9, 255
    frames, masks = tmp_path / "JPEGImages/v", tmp_path / "Annotations/v"
    frames.mkdir(parents=True)
    masks.mkdir(parents=True)
    for t in range(12):
        assert cv2.imwrite(str(frames / f"{t:05d}.png"), np.full((32, 32, 3), 10 * t, np.uint8))
        write_labels(masks / f"{t:05d}.png", labels)
    return tmp_path


def chosen_frames(source, count, done):
    """The frames of `count` clips, told by their grey levels."""
    for number in range(count):
        rgb, _ = source.draw(0, np.random.default_rng(number), done)
        yield [round(float(np.median(frame)) / 10) for frame in rgb]


@pytest.fixture
def plain(monkeypatch):
    """Clips that show their frames as they are."""
    monkeypatch.setattr(
        "vosbench.training.video.augment_clip", lambda images, labels, *_: (np.stack(images), np.stack(labels))
    )


@pytest.mark.usefixtures("plain")
def test_frames_are_near_and_run_either_way(numbered):
    dataset = open_dataset("folder", numbered)
    near = {tuple(np.diff(frames)) for frames in chosen_frames(clips(dataset), 20, 0)}
    assert near == {(1, 1), (-1, -1)}
    far = [np.diff(frames) for frames in chosen_frames(clips(dataset), 80, 0.5)]
    assert {int(abs(step).max()) for step in far} == {1, 2, 3, 4, 5}
    assert all((steps > 0).all() or (steps < 0).all() for steps in far)
    assert all((np.diff(frames) > 0).all() for frames in chosen_frames(clips(dataset, reverse=0), 20, 0.5))


@pytest.mark.usefixtures("plain")
def test_distances_are_in_video_frames(numbered):
    """Where every fifth frame is annotated, a distance of 14 is two annotated frames."""
    source = clips(open_dataset("folder", numbered), gaps=((0.0, 14),), frame_step=5)
    assert {abs(int(d)) for frames in chosen_frames(source, 40, 0) for d in np.diff(frames)} == {1, 2}
    least = clips(open_dataset("folder", numbered), gaps=((0.0, 3),), frame_step=5)
    assert {abs(int(d)) for frames in chosen_frames(least, 20, 0) for d in np.diff(frames)} == {1}


@pytest.mark.usefixtures("plain")
def test_ids_are_counted_from_one_and_void_is_background(numbered):
    dataset = open_dataset("folder", numbered)
    for objects in (1, 2, 3):
        for number in range(8):
            _, labels = clips(dataset, objects).draw(0, np.random.default_rng(number), 0)
            assert set(np.unique(labels)) == set(range(min(objects, 2) + 1))
            assert (labels[:, 0, 31] == 0).all()


def test_clips_of_davis(small_davis):
    source = clips(open_dataset("davis2017", small_davis, "val"))
    assert len(source) == 2
    for item, most in ((0, 2), (1, 1)):
        rgb, labels = source.draw(item, np.random.default_rng(1), 0.9)
        assert (rgb.shape, rgb.dtype, labels.shape, labels.dtype) == ((3, 32, 32, 3), np.uint8, (3, 32, 32), np.uint8)
        assert labels[0].any()
        assert labels.max() <= most


def test_masks_of_davis_2016_are_one_object(small_davis):
    (small_davis / "ImageSets/2016").mkdir()
    (small_davis / "ImageSets/2016/train.txt").write_text("ant\n")
    source = clips(open_dataset("davis2016", small_davis, "train"))
    assert {int(source.draw(0, np.random.default_rng(n), 0)[1].max()) for n in range(6)} == {1}


def test_clips_of_youtube_vos(small_youtube):
    valid = small_youtube / "valid"
    frames = sorted(path.stem for path in (valid / "JPEGImages/a1").glob("*.jpg"))
    for name in frames:  # as in train: a mask for every frame
        label = np.full((48, 64), 3, np.uint8)
        write_labels(valid / "Annotations/a1" / f"{name}.png", label)
    meta = {"videos": {"a1": {"objects": {"3": {"frames": frames, "category": "ape"}}}}}
    (valid / "meta.json").write_text(json.dumps(meta))
    valid.rename(small_youtube / "train")
    source = clips(open_dataset("youtube-vos-2019", small_youtube, "train"), frame_step=5)
    assert source.draw(0, np.random.default_rng(0), 0)[1].max() == 1


def test_a_clip_may_have_no_object(numbered):
    for path in sorted((numbered / "Annotations/v").iterdir())[:-1]:  # the last one is not drawn
        write_labels(path, np.zeros((32, 32), np.uint8))
    assert not clips(open_dataset("folder", numbered)).draw(0, np.random.default_rng(0), 0)[1].any()


def test_short_sequences_are_left_out_with_one_warning(small_davis):
    for name in ("00002", "00003", "00004", "00005"):
        (small_davis / f"Annotations/480p/bee/{name}.png").unlink()
    dataset = open_dataset("folder", small_davis).only(["ant", "bee"])
    with pytest.warns(UserWarning, match="1 sequences with fewer than 3 frames with masks are left out: bee"):
        assert len(clips(dataset)) == 1


def test_data_without_masks(small_davis):
    with pytest.raises(VosbenchError, match="ground truth of davis2017 test-dev is private"):
        clips(open_dataset("davis2017", small_davis, "test-dev"))
    with pytest.raises(VosbenchError, match=r"no sequence of folder all in .* has 3 frames with masks") as caught:
        clips(open_dataset("folder", small_davis).only(["cat"]))
    assert caught.value.hint


def test_a_mask_of_another_size_names_its_file(small_davis):
    for path in (small_davis / "Annotations/480p/bee").iterdir():
        write_labels(path, np.ones((20, 20), np.uint8))
    with pytest.raises(VosbenchError, match=r"bee/0000\d\.png is 20x20 pixels, its frame 64x48"):
        clips(open_dataset("davis2017", small_davis, "val")).draw(1, np.random.default_rng(0), 0)


def test_a_broken_frame_names_its_file(small_davis):
    for path in (small_davis / "JPEGImages/480p/bee").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(VosbenchError, match=r"bee/0000\d\.jpg is truncated"):
        clips(open_dataset("davis2017", small_davis, "val")).draw(1, np.random.default_rng(0), 0)


def test_a_data_set_in_which_no_mask_holds_an_object(numbered):
    masks = sorted((numbered / "Annotations/v").iterdir())
    for path in masks[:-1]:
        write_labels(path, np.full((32, 32), 255, np.uint8))
    assert len(clips(open_dataset("folder", numbered))) == 1  # the last one does
    write_labels(masks[-1], np.zeros((32, 32), np.uint8))
    with pytest.raises(VosbenchError, match=r"no mask of folder all in .* holds an object"):
        clips(open_dataset("folder", numbered))
