"""Cut-outs: exact soft sprites, clips determined by their random numbers, objects seen first, faults in one line."""

import cv2
import numpy as np
import pytest

from vosbench.datasets.folder import Folder
from vosbench.errors import VosbenchError
from vosbench.images import write_labels
from vosbench.training.augment import StaticAugmentation
from vosbench.training.config import VIDEO, CutoutData
from vosbench.training.cutouts import Cutouts, cut
from vosbench.training.mixture import open_source
from vosbench.training.static import StaticClips
from vosbench.training.video import VideoClips


def open_set(root):
    return StaticClips(root, 32, StaticAugmentation())


@pytest.fixture(scope="module")
def cutouts(pairs):
    return Cutouts(64, 2, 8, (open_set(pairs),))


def draw(source, number, seed=3):
    return source.draw(0, np.random.Generator(np.random.Philox(key=[seed, number])), number / 20)


def test_a_clip_is_determined_by_its_random_numbers(cutouts, pairs):
    again = Cutouts(64, 2, 8, (open_set(pairs),))
    for number in (5, 0):
        rgb, labels = draw(again, number)
        assert np.array_equal(rgb, draw(cutouts, number)[0])
        assert np.array_equal(labels, draw(cutouts, number)[1])
        assert not np.array_equal(rgb, draw(cutouts, number, seed=4)[0])


def test_shapes_and_every_object_in_the_first_frame(cutouts):
    assert len(cutouts) == 1000
    seen = set()
    for number in range(10):
        rgb, labels = draw(cutouts, number)
        assert (rgb.shape, rgb.dtype) == ((3, 64, 64, 3), np.uint8)
        assert (labels.shape, labels.dtype) == ((3, 64, 64), np.uint8)
        areas = np.bincount(labels[0].ravel())[1:]
        assert len(areas)
        assert (areas > 0.003 * 64 * 64).all()
        assert not np.array_equal(labels[0], labels[1])
        seen.update(np.unique(labels).tolist())
    assert seen == {0, 1, 2}


def test_masks_are_where_the_objects_are(cutouts):
    """The objects of these pictures are green, the grounds hold green too: so compare medians."""
    inside = []
    for number in range(8):
        rgb, labels = draw(cutouts, number)
        inside += [rgb[labels > 0]]
    colours = np.median(np.concatenate(inside), 0)
    assert colours[1] > 100 > max(colours[0], colours[2])


def test_a_cut_out_keeps_its_shape():
    mask = np.zeros((100, 140), np.uint8)
    cv2.ellipse(mask, (90, 40), (38, 20), 0, 0, 360, 1, -1)
    image = np.zeros((100, 140, 3), np.uint8)
    image[mask == 1] = (200, 30, 30)
    (picture,) = cut([(image, mask)], np.random.default_rng(0), 224)
    height, width = picture.shape[:2]
    assert height == width
    inside = picture[..., 3] > 127
    assert inside.sum() == pytest.approx(mask.sum(), rel=0.1)
    ys, xs = np.nonzero(inside)
    assert (ys.mean() + 0.5, xs.mean() + 0.5) == pytest.approx((height / 2, width / 2), abs=1.5)
    assert 10 < ((picture[..., 3] > 0) & (picture[..., 3] < 255)).sum() < mask.sum()  # a soft edge
    solid = picture[picture[..., 3] == 255]
    assert np.median(solid[:, 0]) > 100


def test_three_views_of_one_object_share_scale_flip_and_light():
    views = []
    for width in (20, 30, 40):
        mask = np.zeros((60, 80), np.uint8)
        mask[20:40, 20 : 20 + width] = 1
        views.append((np.full((60, 80, 3), 120, np.uint8), mask))
    pictures = cut(views, np.random.default_rng(1), 224)
    assert len({picture.shape for picture in pictures}) == 1
    areas = [(picture[..., 3] > 127).sum() for picture in pictures]
    assert areas[1] / areas[0] == pytest.approx(1.5, rel=0.1)
    assert areas[2] / areas[0] == pytest.approx(2, rel=0.1)
    middle = len(pictures[0]) // 2
    assert len({tuple(picture[middle, middle, :3]) for picture in pictures}) == 1


def test_objects_of_videos_keep_their_own_movement(tmp_path, pairs):
    for kind in ("JPEGImages", "Annotations"):
        (tmp_path / kind / "one").mkdir(parents=True)
    for t in range(6):
        mask = np.zeros((60, 80), np.uint8)
        mask[20 : 26 + 5 * t, 20:50] = 3
        rgb = np.full((60, 80, 3), 40 * t, np.uint8)
        assert cv2.imwrite(str(tmp_path / "JPEGImages" / "one" / f"{t:05d}.png"), rgb)
        write_labels(tmp_path / "Annotations" / "one" / f"{t:05d}.png", mask)
    video = VideoClips(Folder(tmp_path, "all"), 32, 2, VIDEO, ((0.0, 5),))
    source = Cutouts(64, 1, 4, (open_set(pairs),), videos=(video,), from_video=1.0)
    pictures = source._thing(np.random.default_rng(2), None)
    areas = [int((picture[..., 3] > 127).sum()) for picture in pictures]
    assert len(set(areas)) == 3
    rgb, labels = draw(source, 1)
    assert labels.max() == 1
    data = CutoutData((str(pairs),), videos=(str(tmp_path),), from_video=1.0, clips=5)
    from vosbench.training.config import TrainConfig

    opened = open_source(data, TrainConfig(size=64, objects=1, max_gap=4))
    assert len(opened) == 5
    assert np.array_equal(draw(opened, 1)[0], rgb)


def test_shares_say_how_often_a_set_is_drawn(pairs):
    source = Cutouts(32, 1, 4, (open_set(pairs), open_set(pairs)), shares=(3.0, 1.0))
    assert source._chances.tolist() == [0.75, 0.25]
    for shares in ((1.0,), (1.0, 0.0)):
        with pytest.raises(VosbenchError, match="2 roots") as caught:
            Cutouts(32, 1, 4, (open_set(pairs), open_set(pairs)), shares=shares)
        assert caught.value.hint


def test_pictures_of_which_nothing_can_be_cut(tmp_path, write_pair):
    write_pair(tmp_path, "full", np.full((40, 56), 255, np.uint8))
    with pytest.raises(VosbenchError, match="no mask covers between"):
        draw(Cutouts(32, 1, 4, (open_set(tmp_path),)), 0)
