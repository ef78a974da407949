"""Pictures side by side, pixel by pixel, and names that are shown as text whatever they hold."""

import numpy as np
import pytest

from vosbench.report.pictures.lettering import broken, legible, write
from vosbench.report.pictures.mosaic import GROUND, Mosaic


@pytest.mark.parametrize(
    ("pictures", "size", "columns"),
    [(1, (480, 854), 1), (2, (480, 854), 2), (4, (480, 854), 2), (6, (480, 854), 3), (3, (854, 480), 3)],
)
def test_pictures_are_as_large_as_the_screen_permits(pictures: int, size: tuple[int, int], columns: int) -> None:
    mosaic = Mosaic.of(pictures, *size)
    assert mosaic.columns == columns
    height, width = mosaic.canvas
    assert height <= 1100
    assert width <= 1940
    assert height % 2 == width % 2 == 0


def test_every_picture_is_where_its_place_is_and_as_it_was() -> None:
    mosaic = Mosaic.of(3, 30, 40)
    assert mosaic.size == (240, 320)  # tiny ones grow, or else no caption could be read
    rng = np.random.default_rng(0)
    pictures = list(rng.integers(0, 256, (3, *mosaic.size, 3), np.uint8))
    drawn = mosaic.compose(pictures, [("truth", "00003"), ("lfu", "J&F 77.1"), ("", "")])
    assert drawn.shape == (*mosaic.canvas, 3)
    for number, picture in enumerate(pictures):
        top, left = mosaic.place(number)
        assert np.array_equal(drawn[top : top + 240, left : left + 320], picture)
    top, left = mosaic.place(2)
    caption = drawn[top - mosaic.caption : top, left : left + 320]
    assert (caption == GROUND).all()  # an empty one
    top, left = mosaic.place(1)
    assert (drawn[top - mosaic.caption : top, left : left + 320] > 200).any()


def test_names_are_text_whatever_they_hold() -> None:
    assert legible("<img src=x>$\\frac") == "<img src=x>$\\frac"
    assert legible("a\nb\x1b[0m\u202e中\udcff") == "a\\nb\\x1b[0m\\u202e\\u4e2d\\udcff"
    assert legible("Größe: λ=2") == "Größe: λ=2"


def test_long_names_are_broken_at_punctuation() -> None:
    name = "gated:base=lfu(capacity=4,every=2),threshold=0.7"
    assert broken(name, 22).split("\n") == ["gated:base=", "lfu(capacity=4,every=", "2),threshold=0.7"]
    assert broken("x" * 50, 22).split("\n") == ["x" * 22, "x" * 22, "x" * 6]
    assert broken("lfu", 22) == "lfu"


def test_what_does_not_fit_loses_its_middle_and_nothing_else_is_touched() -> None:
    rgb = np.zeros((30, 200, 3), np.uint8)
    taken = write(rgb, "a strategy of a very long name indeed", (20, 5, 100, 20), (255, 255, 255), right=False)
    assert 60 < taken <= 100
    inside = np.zeros(rgb.shape[:2], bool)
    inside[5:25, 20:120] = True
    assert rgb[inside].any()
    assert not rgb[~inside].any()
    assert write(rgb, "", (20, 5, 100, 20), (255, 255, 255), right=True) == 0
