"""Names in pictures: shown as text whatever they hold, broken into lines where they are long, drawn into pixels."""

import re
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def legible(text: str) -> str:
    r"""A name with what the font cannot show, or what would act on the text, in escapes: `a\nb`, `\u4e2d`."""
    shown = (c if c.isprintable() and ord(c) in _glyphs() else c.encode("unicode_escape").decode() for c in text)
    return "".join(shown)


def broken(text: str, width: int) -> str:
    """A legible name in lines of at most `width` characters, broken after a space or punctuation where that is near."""
    lines = [""]
    for part in re.findall(r".*?[,:;=/_ -]|.+$", text):
        for piece in (part[start : start + width] for start in range(0, len(part), width)):
            if len(lines[-1]) + len(piece) > width:
                lines.append("")
            lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines if line)


def write(
    rgb: np.ndarray, text: str, place: tuple[int, int, int, int], colour: tuple[int, int, int], right: bool
) -> int:
    """Write a legible text into a picture, uint8 [H,W,3], in the box (left, top, width, height) in pixels, at its left
    or right end; what does not fit is cut off in the middle. The width that it takes.
    """
    left, top, width, height = place
    font = _font(round(0.62 * height))
    shown = fitting(text, round(0.62 * height), width)
    box = Image.fromarray(rgb[top : top + height, left : left + width])
    at = (width if right else 0, height / 2)
    ImageDraw.Draw(box).text(at, shown, font=font, fill=colour, anchor="rm" if right else "lm")
    rgb[top : top + height, left : left + width] = np.asarray(box)
    return round(font.getlength(shown))


def fitting(text: str, size: int, width: float) -> str:
    """What of a line of text fits into a width in letters of a size, both in pixels; it loses its middle."""
    return next((cut for cut in _shorter(text) if length(cut, size) <= width), "")


def length(text: str, size: int) -> float:
    """The pixels that a line of text takes in letters of a size in pixels."""
    return _font(size).getlength(text)


def _shorter(text: str) -> list[str]:
    """A text, and ever less of its beginning and its end."""
    return [text, *(f"{text[: (n + 1) // 2]}…{text[len(text) - n // 2 :]}" for n in range(len(text) - 1, 0, -1))]


def _path() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_path()), size)


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(_path())).get_charmap())
