"""Scripted events: an object is hidden, leaves the view, or appears, for an exact number of frames.

An event bends the path of the object, or of an occluder that follows it, as far as the object's own pixels ask for:
what is meant to be out of sight is, and the frames before and after show a part of the object.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from vosbench.datasets.generated.layers import Layer
from vosbench.datasets.generated.recipe import LEAD
from vosbench.datasets.generated.scene import Scene

SHOWN = 0.1  # share of an object that is seen in the frames before and after it is out of sight
AWAY = 3.0  # shorter sides from the middle of the frame at which nothing is seen
ROUNDNESS = 3  # |x|^p + |y|^p <= 1 is the outline of an occluder


@dataclass(frozen=True)
class Event:
    """`kind` happens to an object in the frames from `start` to before `start + count`."""

    kind: str
    start: int
    count: int


def outline(layer: Layer, scene: Scene, t: int) -> np.ndarray:
    """The pixels of a layer as if the frame had no end and nothing else were there, float32 [N,2], x and y."""
    patch = layer.warp(t, scene.view(t), scene.spec.side, None)
    assert patch is not None  # only a frame's edge can hide it
    rows, columns = np.nonzero(patch.inside)
    return np.stack([columns + patch.left, rows + patch.top], 1).astype(np.float32)


def _shift(layer: Layer, scene: Scene, moves: dict[int, np.ndarray]) -> Layer:
    """The layer with its centre moved by so many pixels of the frame, in some frames."""
    centre = layer.centre.copy()
    for t, move in moves.items():
        centre[t] += np.linalg.solve(scene.view(t)[:2, :2], move) / scene.spec.side
    return replace(layer, centre=centre)


def leave(layer: Layer, scene: Scene, event: Event, axis: int, sign: int) -> Layer:
    """The layer, out of the view along an axis (0: x, 1: y; to which side: `sign`) during the event."""
    limit = ((scene.spec.width, scene.spec.height)[axis] - 1) if sign > 0 else 0
    length, first, last = scene.spec.frames, event.start - 1, event.start + event.count

    def way(t: int, share: float) -> float:
        """How far the layer must go for `share` of it to stay in the view, and no pixel more than that."""
        along = np.sort(sign * outline(layer, scene, t)[:, axis])
        return sign * limit - along[int(share * len(along))] + (1.5 if share == 0 else 0)

    far = 0.04 * scene.spec.side
    ways = {t: way(t, 0) + far for t in range(max(event.start, 0), min(last, length))}
    for edge, step in ((first, -1), (last, 1)):
        if 0 <= edge < length:
            nearest = way(edge, _first_share(layer, scene, edge) if event.kind == "appear" else SHOWN)
            for j in range(LEAD):
                if 0 <= edge + step * j < length:
                    near = 1 - j / LEAD  # a soft start, and a quick end: it passes the edge of the view at full speed
                    ways[edge + step * j] = nearest * (near * near * (2 - near))
    direction = np.eye(2)[axis] * sign
    return _shift(layer, scene, {t: distance * direction for t, distance in ways.items()})


def _first_share(layer: Layer, scene: Scene, t: int) -> float:
    """The share of an object that its first mask should show: a fourth, and 1% of the frame at least."""
    return float(np.clip(0.01 * scene.spec.height * scene.spec.width / len(outline(layer, scene, t)), 0.25, 0.8))


def cover(
    occluder: Layer, target: Layer, scene: Scene, event: Event, direction: np.ndarray, returns: bool, share: float = 1.0
) -> Layer:
    """The occluder, brought in front of the target along a unit vector so that it hides `share` of it.

    The occluder is a rigid `rounded_square` that is rotated against the camera to stand upright. It goes on to the
    other side of the frame, or with `returns` back to where it came from.
    """
    length, side = scene.spec.frames, scene.spec.side
    held = range(max(event.start, 0), min(event.start + event.count, length))
    hulls = {t: cv2.convexHull(outline(target, scene, t))[:, 0] for t in held}
    middles = {t: (hull.min(0) + hull.max(0)) / 2 for t, hull in hulls.items()}
    half = max(_norm(hulls[t] - middles[t]).max() for t in held) + 3
    if share == 1:
        slack = 0.8 * min(_room(hulls[t] - middles[t], half, direction) for t in held)
        parts = np.linspace(1, 1 if returns else -1, len(held))
        offsets = {t: slack * part for t, part in zip(held, parts, strict=True)}
        edges = 1 - SHOWN
    else:
        offsets = {t: _offset(outline(target, scene, t) - middles[t], half, direction, share) for t in held}
        edges = share - 0.1
    for edge, step, sign in ((held[0] - 1, -1, 1), (held[-1] + 1, 1, 1 if returns or share < 1 else -1)):
        for j in range(LEAD + 1):
            t = edge + step * j
            if not 0 <= t < length:
                break
            points = outline(target, scene, t)
            middles[t] = (points.min(0) + points.max(0)) / 2
            if j == 0:
                start = _offset(points - middles[t], half, sign * direction, edges)
            gone = start + 0.05 * side * j * (1 + 0.12 * j)  # out of the view long before j is LEAD
            offsets[t] = sign * (gone if j < LEAD else AWAY * side)  # straight on, lest blur shows it on its way there
    centre, radius, angle = occluder.centre.copy(), occluder.radius.copy(), occluder.angle.copy()
    for t, offset in offsets.items():
        view = scene.view(t)
        place = middles[t] + offset * direction
        centre[t] = np.linalg.solve(view, [*place, 1])[:2] / side
        zoom = np.hypot(*view[:2, 0])
        radius[t], angle[t] = half / INNER / (side * zoom), -np.arctan2(view[1, 0], view[0, 0])
    return replace(occluder, centre=centre, radius=radius, angle=angle)


INNER = 0.9  # half the width of a rounded square, in units of its layer's radius


def rounded_square(size: int) -> np.ndarray:
    """The coverage of an occluder, uint8 [size,size]."""
    turn = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    edge = np.stack([np.cos(turn), np.sin(turn)], 1)
    edge = edge / _norm(edge)[:, None] * INNER * size / 2 + size / 2 - 0.5
    canvas = np.zeros((size, size), np.uint8)
    return cv2.fillPoly(canvas, [np.round(edge * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)


def _norm(points: np.ndarray) -> np.ndarray:
    """How far points are out, in units in which the outline of an occluder is at 1; float [N]."""
    return (np.abs(points.astype(np.float64)) ** ROUNDNESS).sum(1) ** (1 / ROUNDNESS)


def _room(hull: np.ndarray, half: float, direction: np.ndarray) -> float:
    """How far an occluder may be off to either side and still cover a hull, with a pixel to spare."""
    low, high = 0.0, half
    for _ in range(12):
        middle = (low + high) / 2
        covers = max(_norm(hull - sign * middle * direction).max() for sign in (-1, 1)) < half - 1
        low, high = (middle, high) if covers else (low, middle)
    return low


def _offset(points: np.ndarray, half: float, direction: np.ndarray, share: float) -> float:
    """The shortest way along `direction` at which an occluder covers at most `share` of the points."""
    low, high = 0.0, 4 * half
    for _ in range(14):
        middle = (low + high) / 2
        more = (_norm(points - middle * direction) < half).mean() > share
        low, high = (middle, high) if more else (low, middle)
    return high
