"""Measures what a generated clip shows, frame by frame as it is rendered: nothing here knows what was asked for.

An object is hidden where its outline falls into the view and no pixel of it is seen, and outside where its outline does
not. Lengths are in shorter sides of the frame. What cannot be measured (an object that is never whole) is None.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

import cv2
import numpy as np

from vosbench.datasets.generated.layers import Patch, look_up
from vosbench.datasets.generated.scene import Frame, Scene

PARTLY = 0.95  # an object of which less is seen than this share is partly hidden
SEEN = 0.002  # share of the frame above which a look-alike counts as seen
GRID = 48  # pixels of an object brought back upright, for comparing it with itself
EXTENT = 1.3  # of this picture, in radii of the object


@dataclass(frozen=True)
class ObjectAttributes:
    """What happens to one object. Runs and counts are in frames, from the one in which it is first seen."""

    first_frame: int | None
    first_area: float | None  # share of the frame
    hidden_frames: int
    longest_hidden: int
    partly_hidden_frames: int
    most_hidden: float  # share of the outline, in the frames that show some of it
    outside_frames: int
    longest_outside: int
    reappearances: int
    cut_frames: int  # it touches the edge of the view
    mean_motion: float | None  # of its centre, per frame
    most_motion: float | None
    scale_change: float | None  # ratio of the largest to the smallest square root of the area
    rotation: float  # degrees per frame
    deformation: float | None  # 1 - IoU with its first whole outline, turned, scaled and shifted alike: the most
    appearance_change: float | None  # mean difference to its first whole view, brought upright, of 1: the most


@dataclass(frozen=True)
class ClipAttributes:
    """What a clip shows."""

    length: int
    objects: dict[int, ObjectAttributes]
    camera_motion: float  # mean movement of the frame's corners per frame
    lighting_change: float  # ratio of the brightest light to the darkest
    clutter: float  # mean share of the frame that things without a label cover
    background_gradient: float  # mean gradient where no object is, grey levels per pixel
    distractors: float  # mean number of look-alikes seen
    blur: float  # mean movement of the objects' centres during an exposure, pixels

    def as_json(self) -> dict[str, Any]:
        """What a file of JSON holds of it, with five decimals; object ids become texts."""
        as_read: dict[str, Any] = json.loads(json.dumps(asdict(self)), parse_float=lambda text: round(float(text), 5))
        return as_read


def longest(flags: Sequence[bool]) -> int:
    """For how many frames at a stretch something holds."""
    return max((len(list(run)) for holds, run in groupby(flags) if holds), default=0)


@dataclass
class _Track:
    """What has been seen of one object so far. Lists have a number for each frame in which it could be measured."""

    layer: int
    first_frame: int | None = None
    first_area: float | None = None
    hidden: list[bool] = field(default_factory=list)
    outside: list[bool] = field(default_factory=list)
    partly: int = 0
    gone: bool = False
    reappearances: int = 0
    cut: int = 0
    most_hidden: float = 0.0
    centre: np.ndarray | None = None  # in the frame before, if it was whole there
    motion: list[float] = field(default_factory=list)
    size: list[float] = field(default_factory=list)
    turning: list[float] = field(default_factory=list)
    shape: np.ndarray | None = None  # its first whole outline, upright
    deformation: list[float] = field(default_factory=list)
    look: tuple[np.ndarray, np.ndarray] | None = None  # its first whole view, upright: where, and the colours
    change: list[float] = field(default_factory=list)
    smear: list[float] = field(default_factory=list)


class Observer:
    """Takes in the frames of a scene in order, and keeps numbers of them only."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.length = 0
        labels = [layer.label for layer in scene.layers]
        self.tracks = {i: _Track(labels.index(i)) for i in sorted(set(labels) - {0})}
        self._unlabelled = np.array([False, *(label == 0 for label in labels)])
        self._twins = np.array([False, *(layer.twin for layer in scene.layers)])
        self._camera, self._light, self._cover, self._gradient, self._similar = (list[float]() for _ in range(5))

    def add(self, frame: Frame) -> None:
        """Take in the next frame."""
        t = self.length
        seen = np.bincount(frame.owners.ravel(), minlength=len(self._twins))
        for track in self.tracks.values():
            self._follow(track, frame, t, int(seen[track.layer + 1]))
        grey = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY)
        gradient = np.hypot(*(cv2.Sobel(grey, cv2.CV_32F, *d, scale=1 / 8) for d in ((1, 0), (0, 1))))
        ground = frame.labels == 0
        self._light.append(float(self.scene.light[t]))
        self._cover.append(float(seen[self._unlabelled].sum()) / grey.size)
        self._similar.append(float((seen[self._twins] > SEEN * grey.size).sum()))
        if ground.any():
            self._gradient.append(float(gradient[ground].mean()))
        if t:
            self._camera.append(self._corner_motion(t))
        self.length += 1

    def result(self) -> ClipAttributes:
        """What the frames so far show."""
        smears = [_mean(track.smear) for track in self.tracks.values() if track.smear]
        objects = {i: _summary(track) for i, track in self.tracks.items()}
        light = max(self._light) / min(self._light) if self._light else 1.0
        means = map(_mean, (self._cover, self._gradient, self._similar, smears))
        return ClipAttributes(self.length, objects, _mean(self._camera), light, *means)

    def _corner_motion(self, t: int) -> float:
        """How far the points of the world that are in the frame's corners move in it."""
        spec = self.scene.spec
        corners = np.array([[0, 0, 1], [spec.width, 0, 1], [0, spec.height, 1], [spec.width, spec.height, 1]]).T
        moved = self.scene.view(t) @ np.linalg.solve(self.scene.view(t - 1), corners)
        return float(np.hypot(*(moved - corners)[:2]).mean()) / spec.side

    def _follow(self, track: _Track, frame: Frame, t: int, seen: int) -> None:
        patch = frame.patches[track.layer]
        inside = patch.inside if patch is not None else np.zeros((0, 0), bool)
        area = int(inside.sum())
        self._pose(track, t)
        if track.first_frame is None:
            if not seen:
                return
            track.first_frame, track.first_area = t, seen / frame.labels.size
        track.hidden.append(area > 0 and not seen)
        track.outside.append(area == 0)
        track.partly += 0 < seen < PARTLY * area
        if seen:
            track.reappearances += track.gone
            track.most_hidden = max(track.most_hidden, 1 - seen / area)
        track.gone = not seen
        if patch is None or not area or _cut(patch, inside, frame.labels.shape):
            track.cut += area > 0
            track.centre = None
            return
        rows, columns = np.nonzero(inside)
        centre = np.array([columns.mean() + patch.left, rows.mean() + patch.top])
        if track.centre is not None:
            track.motion.append(float(np.hypot(*(centre - track.centre))) / self.scene.spec.side)
        track.centre = centre
        track.size.append(float(np.sqrt(area)))
        self._compare(track, frame, patch, t)

    def _pose(self, track: _Track, t: int) -> None:
        """Turning, and movement while the shutter is open, as the scene has them."""
        scene, layer = self.scene, self.scene.layers[track.layer]
        if not t:
            return
        now, before = (layer.placed(s, scene.view(s), scene.spec.side) for s in (t, t - 1))
        turned = np.linalg.solve(before[:2, :2], now[:2, :2])
        track.turning.append(abs(float(np.degrees(np.arctan2(turned[1, 0], turned[0, 0])))))
        track.smear.append(scene.shutter * float(np.hypot(*(now - before)[:2, 2])))

    def _compare(self, track: _Track, frame: Frame, patch: Patch, t: int) -> None:
        """Bring the object upright, and compare outline and colours with its first."""
        layer, scene = self.scene.layers[track.layer], self.scene
        place = layer.placed(t, scene.view(t), scene.spec.side)
        ends = np.linspace(-EXTENT, EXTENT, GRID)
        across, down = (row[0] * ends + row[1] * ends[:, None] + row[2] for row in place[:2])
        outline = patch.inside.astype(np.uint8) * 255
        shape = look_up(outline, across - patch.left, down - patch.top) > 127
        if track.shape is None:
            track.shape = shape
        if either := (shape | track.shape).sum():
            track.deformation.append(1 - float((shape & track.shape).sum() / either))
        shown = (frame.owners == track.layer + 1).astype(np.uint8) * 255
        where = look_up(shown, across, down) > 254
        colours = look_up(frame.rgb, across, down).astype(np.float32)
        if track.look is None:
            track.look = where, colours
        both = where & track.look[0]
        if 4 * both.sum() > track.look[0].sum():
            track.change.append(float(np.abs(colours[both] - track.look[1][both]).mean()) / 255)


def _cut(patch: Patch, inside: np.ndarray, size: tuple[int, ...]) -> bool:
    """Whether a layer touches the edge of the frame."""
    begins, ends = (patch.top, patch.left), (patch.top + inside.shape[0], patch.left + inside.shape[1])
    return any(
        (begins[axis] == 0 and inside.take(0, axis).any()) or (ends[axis] == size[axis] and inside.take(-1, axis).any())
        for axis in (0, 1)
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _summary(track: _Track) -> ObjectAttributes:
    hidden = sum(track.hidden), longest(track.hidden), track.partly
    outside = sum(track.outside), longest(track.outside), track.reappearances, track.cut
    motion = _mean(track.motion) if track.motion else None, max(track.motion, default=None)
    scale = max(track.size) / min(track.size) if track.size else None
    looks = max(track.deformation, default=None), max(track.change, default=None)
    first = track.first_frame, track.first_area
    turning = _mean(track.turning)
    return ObjectAttributes(*first, *hidden, track.most_hidden, *outside, *motion, scale, turning, *looks)
