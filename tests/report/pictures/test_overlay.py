"""Masks drawn on frames, pixel by pixel."""

import numpy as np
import pytest

from vosbench.errors import VosbenchError
from vosbench.images import VOID
from vosbench.report.pictures.overlay import CASING, COLOURS, ERROR, errors, line_width, outline, overlay

GREY = np.full((48, 64, 3), 100, np.uint8)


def rounded(top: int, left: int, size: int) -> np.ndarray:
    """A square without its corners, as errors are where they are square."""
    region = square(top, left, size) == 1
    region[np.ix_((top, top + size - 1), (left, left + size - 1))] = False
    return region


def square(top: int, left: int, size: int, object_id: int = 1) -> np.ndarray:
    labels = np.zeros(GREY.shape[:2], np.uint8)
    labels[top : top + size, left : left + size] = object_id
    return labels


def test_an_object_is_tinted_within_a_contour_and_the_rest_is_the_frame() -> None:
    labels = square(10, 20, 9, 2)
    drawn = overlay(GREY, labels)
    assert (drawn[labels == 0] == 100).all()
    inner = drawn[11:18, 21:28].reshape(-1, 3)
    assert (inner == (50, 135, 50)).all()  # half the grey, half the green of id 2, which is 128 * 4 / 3
    contour = labels == 2
    contour[11:18, 21:28] = False
    assert (drawn[contour] == (0, 255, 0)).all()
    assert (GREY == 100).all()


def test_void_leaves_the_frame_as_it_is() -> None:
    labels = square(10, 20, 9, VOID)
    assert np.array_equal(overlay(GREY, labels), GREY)
    assert not errors(square(10, 20, 9), labels).any()
    assert not errors(labels, square(10, 20, 9)).any()


def test_each_of_the_first_objects_has_a_tint_of_its_own() -> None:
    assert len({tuple(COLOURS[i].tolist()) for i in range(64)}) == 64


def test_errors_are_regions_wider_than_the_tolerance_of_f() -> None:
    truth = square(10, 20, 12)
    assert not errors(square(11, 20, 12), truth).any()  # an edge that is a pixel off
    missed, invented = errors(0 * truth, truth), errors(square(30, 2, 8), 0 * truth)
    assert np.array_equal(missed, rounded(10, 20, 12))
    assert np.array_equal(invented, rounded(30, 2, 8))


def test_an_error_is_outlined_around_what_is_wrong() -> None:
    truth, predicted = square(10, 20, 12), square(30, 40, 12)
    drawn, plain = overlay(GREY, predicted, truth), overlay(GREY, predicted)
    for region in (rounded(10, 20, 12), rounded(30, 40, 12)):
        assert np.array_equal(drawn[region], plain[region])
    row = drawn[16, 14:22].tolist()  # towards the object that was missed, which begins in column 20
    assert row == [[100] * 3] * 3 + [list(CASING), list(ERROR), list(CASING)] + [[100] * 3] * 2
    assert np.array_equal(overlay(GREY, predicted, predicted), plain)


def test_lines_grow_with_the_picture() -> None:
    assert [line_width(*size) for size in ((24, 32), (480, 854), (2160, 3840))] == [1, 2, 9]
    large = np.zeros((480, 640, 3), np.uint8)
    region = np.zeros(large.shape[:2], bool)
    region[200:300, 200:300] = True
    outline(large, region)
    assert (large[250] == 255).all(1).sum() == 2 * line_width(480, 640)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(VosbenchError, match="32x24 pixels, its frame 64x48"):
        overlay(GREY, np.zeros((24, 32), np.uint8))
    with pytest.raises(VosbenchError, match="of the truth is 32x24"):
        overlay(GREY, square(1, 1, 3), np.zeros((24, 32), np.uint8))
