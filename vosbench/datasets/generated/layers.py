"""The things in generated video: a picture with coverage, its pose in every frame, and how it is warped into place."""

from dataclasses import dataclass

import cv2
import numpy as np

from vosbench.datasets.generated.motion import similarity


@dataclass(frozen=True)
class Patch:
    """A layer where it falls in a frame: RGBA uint8 [h,w,4], its first row and column (outside it if not cropped)."""

    top: int
    left: int
    rgba: np.ndarray

    @property
    def inside(self) -> np.ndarray:
        """Where the layer covers more than half of a pixel, bool [h,w]."""
        return self.rgba[..., 3] > 127

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the frame."""
        return np.s_[self.top : self.top + self.rgba.shape[0], self.left : self.left + self.rgba.shape[1]]


@dataclass(frozen=True)
class Layer:
    """One thing in the scene: its picture on the square [-1,1]^2, and its state in every frame.

    Coordinates are computed in the precision of `waves`: single is fast; double rounds the same on every machine.
    """

    label: int  # 0: no object
    picture: np.ndarray  # RGBA, uint8 [S,S,4]
    centre: np.ndarray  # float [T,2], x and y, in shorter sides from the middle of the frame
    angle: np.ndarray  # float [T], radians
    radius: np.ndarray  # float [T], shorter sides
    waves: np.ndarray  # float [K,3]: frequency in u, frequency in v, amplitude
    phases: np.ndarray  # float [T,K]
    gain: np.ndarray  # float [T]
    later: np.ndarray | None = None  # RGBA, uint8 [S,S,4]: what the picture turns into
    fade: np.ndarray | None = None  # float [T]: how far it has
    shadow: float = 0.0  # how much darker it makes what lies behind it
    twin: bool = False  # looks like an object and is none
    reach: float = 1.7  # how far from its centre it can be seen, in radii; the corners of the square, and the waves

    def placed(self, t: float, view: np.ndarray, side: int) -> np.ndarray:
        """The matrix that takes [-1,1]^2 into the frame at time t, without the waves."""
        x, y = at(self.centre, t) * side
        return view @ similarity(x, y, float(at(self.angle, t)), float(at(self.radius, t)) * side)

    def warp(self, t: float, view: np.ndarray, side: int, size: tuple[int, int] | None) -> Patch | None:
        """The layer at time t as `view` shows it, cropped to a frame of `size` (height, width; None: not cropped).

        `view` takes the world, whose unit is the pixel, into the frame. None if the layer is outside the frame.
        """
        place = self.placed(t, view, side)
        reach = np.hypot(*place[:2, 0]) * self.reach
        bounds = [[int(place[axis, 2] + sign * reach) for sign in (-1, 1)] for axis in (0, 1)]
        if size is not None:
            bounds = [[min(max(end, 0), limit) for end in pair] for pair, limit in zip(bounds, size[::-1], strict=True)]
        (left, right), (top, bottom) = bounds
        if left >= right or top >= bottom:
            return None
        kind = self.waves.dtype
        back = np.linalg.inv(place).astype(kind)
        xs, ys = np.arange(left, right, dtype=kind), np.arange(top, bottom, dtype=kind)[:, None]
        u = back[0, 0] * xs + back[0, 1] * ys + back[0, 2]
        v = back[1, 0] * xs + back[1, 1] * ys + back[1, 2]
        du, dv = np.zeros_like(u), np.zeros_like(v)
        for (fu, fv, amplitude), phase in zip(self.waves, at(self.phases, t).astype(kind), strict=True):
            angle = fu * u + fv * v + phase
            du += amplitude * np.sin(angle)
            dv += amplitude * np.cos(angle)
        half = self.picture.shape[0] / 2
        return Patch(top, left, look_up(self._look(t), (u + du) * half + half - 0.5, (v + dv) * half + half - 0.5))

    def _look(self, t: float) -> np.ndarray:
        """The picture at time t."""
        if self.later is None or self.fade is None:
            return self.picture
        share = round(256 * float(at(self.fade, t)))  # in integers, for the same picture on every machine
        now, later = self.picture.astype(np.uint16), self.later.astype(np.uint16)
        return ((now * (256 - share) + later * share + 127) >> 8).astype(np.uint8)


def look_up(picture: np.ndarray, across: np.ndarray, down: np.ndarray, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
    """The picture at the points (across, down), linear between pixels, uint8 of their shape.

    With points in double precision in integers only, in steps of 1/32 pixel: the same on every machine.
    """
    if across.dtype == np.float32:
        return cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=border)
    steps = np.rint(np.stack([across, down], -1) * 32).astype(np.int32)
    parts = (steps[..., 1] & 31) * 32 + (steps[..., 0] & 31)
    whole, parts = (steps >> 5).astype(np.int16), parts.astype(np.uint16)
    return cv2.remap(picture, whole, parts, cv2.INTER_LINEAR, borderMode=border)


def reach(picture: np.ndarray, waves: np.ndarray) -> float:
    """How far from its centre a layer can be seen, in radii: what is covered, a soft edge, and what the waves add."""
    half = len(picture) / 2
    rows, columns = np.nonzero(picture[..., 3])
    furthest = np.hypot(rows + 0.5 - half, columns + 0.5 - half).max() / half
    return float(furthest + np.abs(waves[:, 2]).sum() + 0.05)


def at(values: np.ndarray, t: float) -> np.ndarray:
    """A state, given per frame, at any time: linear in between."""
    frame = int(t)
    if frame == t:
        return values[frame]
    after = min(frame + 1, len(values) - 1)
    return values[frame] + (t - frame) * (values[after] - values[frame])
