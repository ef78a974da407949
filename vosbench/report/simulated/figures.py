"""Attention kept against capacity; which frames a bank holds as time goes on, and which places of them."""

import math
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vosbench.errors import VosbenchError
from vosbench.report.drawing.capacity import Curves, draw_curves, require_sweep
from vosbench.report.drawing.style import GREY, STYLE, looks_of, note_axes, room

_COLUMNS, _THUMB = 4, 1.9  # pictures in a row, inches of width of each
_TINT = np.array((0, 114, 178))  # the blue of the figures


def retained_against_capacity(retained: Mapping[str, float], curves: Curves, conditions: Sequence[str]) -> Figure:
    """Attention kept, 0 to 1 by label, drawn in percent against capacity in frames, under a note on the conditions."""
    require_sweep(curves, retained)
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes(conditions, room(curves))
        draw_curves(axes, curves, {label: 100 * share for label, share in retained.items()}, "attention kept (%)")
        axes.set_xlabel("capacity (frames)")
    return figure


def occupancy(kept: np.ndarray, tokens_per_frame: int, conditions: Sequence[str]) -> Figure:
    """Time against the frames in memory: a band for each frame that was written, as thick as what is kept of it.

    kept int [T,T]: tokens of frame f (column) held after frame t (row). A band of full thickness, which reaches
    halfway to its neighbours, is a whole frame.
    """
    frames = len(kept)
    written = np.flatnonzero(kept.any(0))
    if not len(written):
        raise VosbenchError("nothing was ever in memory", "choose a sequence of two frames or more")
    pitch = np.diff(written).min() if len(written) > 1 else frames
    colour = looks_of(["memory"])["memory"].colour
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes(conditions, right=0.15)
        time = np.arange(frames + 1)
        for frame in written:
            share = kept[:, frame] / tokens_per_frame
            half = 0.45 * pitch * np.append(share, share[-1])
            axes.fill_between(time, frame - half, frame + half, step="post", color=colour, linewidth=0, where=half > 0)
        axes.plot((0, frames), (0, frames), color=GREY, linewidth=0.6, linestyle=(0, (1.5, 2.5)))  # the frame itself
        axes.set_xlim(0, frames)
        axes.set_ylim(-0.5 * pitch, written[-1] + pitch)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        axes.set_xlabel("frame")
        axes.set_ylabel("frame in memory")
    return figure


def contact_sheet(
    pictures: Mapping[int, np.ndarray], kept: Mapping[int, np.ndarray], conditions: Sequence[str]
) -> Figure:
    """The frames in memory, uint8 RGB [H,W,3], by frame: what is kept of them, bool [H,W], in colour, the rest grey."""
    if not kept:
        raise VosbenchError("nothing is in memory at that frame", "choose a later frame")
    rows = math.ceil(len(kept) / _COLUMNS)
    height, width = next(iter(pictures.values())).shape[:2]
    thumb = _THUMB * height / width
    with matplotlib.rc_context(STYLE):
        size = (_COLUMNS * _THUMB, rows * (thumb + 0.2) + 0.3)
        figure = Figure(figsize=size)
        figure.text(0.01, 1 - 0.08 / size[1], "; ".join(conditions), fontsize=6.5, color=GREY, va="top")
        for place, (frame, mask) in enumerate(sorted(kept.items())):
            row, column = divmod(place, _COLUMNS)
            bottom = size[1] - 0.3 - (row + 1) * (thumb + 0.2)
            axes = figure.add_axes((column / _COLUMNS + 0.004, bottom / size[1], 1 / _COLUMNS - 0.008, thumb / size[1]))
            axes.imshow(_highlighted(pictures[frame], mask), interpolation="nearest")
            axes.set_title(f"frame {frame}: {100 * mask.mean():.0f}% kept", fontsize=7, pad=2)
            axes.axis("off")
    return figure


def _highlighted(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture as it is where the mask is set, and dim, grey and tinted elsewhere; uint8 [H,W,3]."""
    grey = picture.mean(2, keepdims=True)
    dim = 0.35 * grey + 0.12 * _TINT
    return np.where(mask[..., None], picture, dim).astype(np.uint8)
