"""Masks that were resized, turned or blurred as pictures are: told from sound ones, however many ids they hold."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vosbench.datasets.label_pngs import check_labels
from vosbench.datasets.smoothing import smoothness
from vosbench.errors import SmoothedMaskError
from vosbench.images import present_labels, read_labels

PATH = Path("mask.png")


def look(labels: np.ndarray) -> str:
    return smoothness(labels, present_labels(labels))


def disc(value: int) -> np.ndarray:
    return cv2.circle(np.zeros((60, 80), np.uint8), (40, 30), 20, value, -1)


def circles(ids: range | tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(1)
    labels = np.zeros((120, 160), np.uint8)
    for object_id in ids:
        cv2.circle(labels, (int(rng.integers(20, 140)), int(rng.integers(20, 100))), 15, object_id, -1)
    return labels


def scaled(factor: float, how: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda mask: cv2.resize(mask, None, fx=factor, fy=factor, interpolation=how)


def turned(mask: np.ndarray) -> np.ndarray:
    height, width = mask.shape
    return cv2.warpAffine(mask, cv2.getRotationMatrix2D((width / 2, height / 2), 7, 1), (width, height))


OBJECTS = {"1 to 5": range(1, 6), "1 to 28": range(1, 29), "two alone": (1, 30), "gaps": (38, 75), "2 alone": (2,)}
SMOOTH = {
    "doubled": scaled(2, cv2.INTER_LINEAR),
    "enlarged sixfold": scaled(6, cv2.INTER_LINEAR),
    "enlarged sevenfold": scaled(7, cv2.INTER_CUBIC),
    "a little smaller": scaled(0.9, cv2.INTER_LINEAR),
    "halved": scaled(0.5, cv2.INTER_AREA),
    "turned": turned,
    "enlarged, then again": lambda mask: np.kron(SMOOTH["doubled"](mask), np.ones((2, 2), np.uint8)),
    "blurred": lambda mask: cv2.GaussianBlur(mask, (5, 5), 0),
}


@pytest.mark.parametrize("ids", OBJECTS)
@pytest.mark.parametrize("how", SMOOTH)
def test_smoothed_masks_of_any_ids_are_refused(ids: str, how: str) -> None:
    """An object of id 2 alone in strips of id 1 may be a ring and what is in it: that is told, and taken."""
    labels = circles(OBJECTS[ids])
    assert look(labels) == "sound"
    assert look(SMOOTH[how](labels)) in ("smoothed", *(["doubtful"] if ids == "2 alone" else []))


@pytest.mark.parametrize("object_id", [2, 3])
@pytest.mark.parametrize("how", [scaled(8, 1), scaled(14, 2), lambda mask: cv2.GaussianBlur(mask, (21, 21), 0)])
def test_wide_strips_are_told(object_id: int, how: Callable[[np.ndarray], np.ndarray]) -> None:
    assert look(how(disc(object_id))) == "doubtful"
    assert check_labels(how(disc(object_id)), PATH) is not None
    assert check_labels(how(disc(object_id)), PATH, trusted=True) is None


@pytest.mark.parametrize(
    "how",
    [
        lambda mask: cv2.GaussianBlur(mask, (5, 5), 0),
        lambda mask: cv2.GaussianBlur(mask, (21, 21), 0),
        scaled(2, cv2.INTER_LINEAR),
        scaled(0.4, cv2.INTER_AREA),
        lambda mask: cv2.imdecode(cv2.imencode(".jpg", mask)[1], cv2.IMREAD_GRAYSCALE),
    ],
    ids=["blurred", "blurred widely", "enlarged", "shrunk", "from a JPEG"],
)
@pytest.mark.parametrize("binary", [True, False])
def test_smoothed_white_masks_are_refused(how: Callable[[np.ndarray], np.ndarray], binary: bool) -> None:
    with pytest.raises(SmoothedMaskError, match=r"mask.png is anti-aliased: most of its edges") as caught:
        check_labels(how(disc(255)), PATH, binary=binary)
    assert "nearest neighbour" in caught.value.hint
    assert "--trust-masks" in caught.value.hint
    assert check_labels(how(disc(255)), PATH, binary=binary, trusted=True) is None


def test_a_shade_that_fills_a_window_by_chance_is_a_shade() -> None:
    """Halving a dotted patch gives a flat patch of one of the three greys there are."""
    mask = cv2.circle(np.zeros((240, 320), np.uint8), (121, 121), 90, 255, -1)
    mask[100:106:2, 280:286] = 255
    halved = cv2.resize(mask, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert present_labels(halved).tolist() == [64, 128, 191, 255]
    assert (halved[50:53, 140:143] == 128).all()
    assert look(halved) == "smoothed"


def rings(kind: str, width: int, number: int) -> np.ndarray:
    """Objects in each other, with ids from 1 on from the outside, all but the innermost so many pixels wide."""
    labels = np.zeros((120, 160), np.uint8)
    for i in range(number):
        if kind == "circles":
            cv2.circle(labels, (80, 60), 50 - width * i, i + 1, -1)
        elif kind == "ellipses":
            cv2.ellipse(labels, (80, 60), (60 - width * i, 40 - width * i), 20, 0, 360, i + 1, -1)
        elif kind == "rectangles":
            labels[10 + width * i : 110 - width * i, 10 + width * i : 150 - width * i] = i + 1
        elif kind == "touching":
            cv2.circle(labels, (80 - width * i, 60), 50 - 2 * width * i, i + 1, -1)
        else:  # two of each
            cv2.circle(labels, (45, 60), 34 - width * i, i + 1, -1)
            cv2.circle(labels, (115, 60), 30 - width * i, i + 1, -1)
    return labels


@pytest.mark.parametrize("kind", ["circles", "ellipses", "rectangles", "touching", "pairs"])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("number", [2, 3, 5])
def test_rings_are_never_refused(kind: str, width: int, number: int) -> None:
    """As a pupil in an iris in an eye. Nothing tells narrow ones from strips that smoothing left."""
    labels = rings(kind, width, number)
    assert look(labels) in ("sound", "doubtful")
    assert look(np.kron(labels, np.ones((2, 2), np.uint8))) in ("sound", "doubtful")


@pytest.mark.parametrize(("ids", "quality"), [((38, 75), 95), ((30, 60), 75), (range(2, 30, 2), 50)])
def test_masks_that_were_jpegs_are_told(ids: range | tuple[int, ...], quality: int) -> None:
    """Noise near edges is of ids that lie about in small pieces, in whatever order."""
    told = cv2.imencode(".jpg", circles(ids), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    assert look(cv2.imdecode(told, cv2.IMREAD_GRAYSCALE)) == "smoothed"


def test_a_small_object_in_a_strip_is_doubtful() -> None:
    """It has few edges, of which hardly one is sharp."""
    labels = np.zeros((48, 64), np.uint8)
    labels[8:24, 8:24], labels[30:35, 40:45] = 1, 2
    assert look(labels) == "sound"
    labels[29:36, 39:46] = np.maximum(labels[29:36, 39:46], 1)
    told = check_labels(labels, PATH)
    assert told is not None
    assert "or it is anti-aliased" in told.message


@pytest.mark.parametrize("side", [1, 2, 3])
def test_many_small_objects_are_sound(side: int) -> None:
    labels = np.zeros((120, 160), np.uint8)
    for number, place in enumerate(np.random.default_rng(side).permutation(30 * 40)[:200], 1):
        y, x = 4 * int(place // 40), 4 * int(place % 40)
        labels[y : y + side, x : x + side] = number
    assert look(labels) == "sound"


def test_a_target_is_no_shading() -> None:
    y, x = np.mgrid[:64, :96]
    assert look(np.maximum(0, 24 - np.hypot(y - 30, x - 40)).astype(np.uint8)) != "smoothed"


def real_masks(shared: Path) -> list[Path]:
    masks = [
        *(shared / "data/multi/Annotations/480p").glob("*/*3.png"),
        *(shared / "data/osvos").glob("*/0000[03].png"),
    ]
    return [*masks, *(shared / "data/static/voc2007seg44/instances").glob("*.png")]


def test_real_masks_are_sound(shared: Path) -> None:
    masks = real_masks(shared)
    assert len(masks) > 100
    for path in masks:
        labels = read_labels(path)
        for step in (1, 2, 4, 8):
            few = np.where(labels <= 3, labels, 0)[::step, ::step]
            assert look(labels[::step, ::step]) == look(few) == "sound", path


def test_three_objects_made_small_are_sound(shared: Path) -> None:
    for path in (shared / "data/multi/Annotations/480p/schoolgirls").glob("*[05].png"):
        labels = read_labels(path)
        small = cv2.resize(np.where(labels <= 3, labels, 0), (216, 120), interpolation=cv2.INTER_NEAREST)
        assert look(small) == "sound"


def test_two_real_objects_made_small(shared: Path) -> None:
    """Smoothed, they are told of in most frames; made small by nearest neighbour, in none."""
    told = []
    for path in (shared / "data/multi/Annotations/480p/schoolgirls").glob("*.png"):
        labels = read_labels(path)
        two = Image.fromarray(np.where(labels <= 2, labels, 0))
        assert look(np.asarray(two.resize((216, 120), Image.Resampling.NEAREST))) == "sound"
        told.append(look(np.asarray(two.resize((216, 120), Image.Resampling.BILINEAR))) != "sound")
    assert (sum(told), len(told)) == (45, 80)


def test_real_masks_that_were_jpegs_are_told(shared: Path) -> None:
    for path in sorted((shared / "data/multi/Annotations/480p/schoolgirls").glob("*[24]0.png")):
        for factor, quality in ((1, 95), (2, 75), (2, 50), (30, 95), (30, 50)):
            labels = read_labels(path) * np.uint8(factor)
            told = cv2.imencode(".jpg", labels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            assert look(cv2.imdecode(told, cv2.IMREAD_GRAYSCALE)) == "smoothed"


def test_real_masks_that_were_smoothed_are_told(shared: Path) -> None:
    hows = [SMOOTH[how] for how in ("doubled", "a little smaller", "halved", "turned", "blurred")]
    hows += [scaled(0.25, cv2.INTER_AREA), lambda mask: cv2.GaussianBlur(mask, (21, 21), 0)]
    for path in sorted((shared / "data/multi/Annotations/480p/schoolgirls").glob("*[24]0.png")):
        assert all(look(how(read_labels(path))) != "sound" for how in hows)
