"""What a generated clip is said to show, against another computation from its masks; and that strengths have effect."""

from dataclasses import replace
from functools import cache
from itertools import groupby, pairwise

import numpy as np
import pytest

from vosbench.datasets.generated.attributes import PARTLY, ClipAttributes, ObjectAttributes, Observer
from vosbench.datasets.generated.layers import Layer
from vosbench.datasets.generated.recipe import Script
from vosbench.datasets.generated.scene import Frame, Scene, SceneSpec
from vosbench.datasets.generated.staging import Stage
from vosbench.datasets.generated.textures import photographs

SIDE = 192


@cache
def film(split: str, clip: int = 0) -> tuple[Scene, tuple[Frame, ...], ClipAttributes]:
    """A clip as first drawn: whether it shows what is asked for is in question here."""
    script = Script.parse(split)
    scene = Stage(script.recipes[clip], (script.seed, clip, 0), photographs("val")).scene()
    observer, frames = Observer(scene), []
    for t in range(scene.spec.frames):
        frames.append(scene.frame(t))
        observer.add(frames[-1])
    return scene, tuple(frames), observer.result()


def outlines(scene: Scene, object_id: int) -> np.ndarray:
    """The masks that an object would have alone in the world, bool [T,H,W]."""
    alone = replace(scene, layers=tuple(one for one in scene.layers if one.label == object_id), shutter=0.0)
    return np.stack([alone.render(t)[1] > 0 for t in range(scene.spec.frames)])


def longest(holds: np.ndarray) -> int:
    return max((len(list(group)) for value, group in groupby(holds) if value), default=0)


def test_what_is_said_of_an_object_is_what_its_masks_show() -> None:
    scene, frames, shows = film("objects=3,appear=3,occlusion=3,outside=4,clutter=4,speed=0.02,scale=1.5")
    labels = np.stack([frame.labels for frame in frames])
    assert shows.length == len(frames) == len(labels)
    for object_id, one in shows.objects.items():
        whole, seen = outlines(scene, object_id), labels == object_id
        assert not (seen & ~whole).any()
        area, share = whole.sum((1, 2)), seen.sum((1, 2)) / np.maximum(whole.sum((1, 2)), 1)
        start = int(seen.any((1, 2)).argmax())
        assert (one.first_frame, one.first_area) == (start, seen[start].mean())
        area, share, whole = area[start:], share[start:], whole[start:]
        assert one.hidden_frames == ((area > 0) & (share == 0)).sum()
        assert one.longest_hidden == longest((area > 0) & (share == 0))
        assert one.partly_hidden_frames == ((share > 0) & (share < PARTLY)).sum()
        assert one.most_hidden == pytest.approx(1 - share[share > 0].min())
        assert (one.outside_frames, one.longest_outside) == ((area == 0).sum(), longest(area == 0))
        assert one.reappearances == sum(before == 0 < after for before, after in pairwise(share))
        cut = np.array([mask[[0, -1]].any() or mask[:, [0, -1]].any() for mask in whole])
        assert one.cut_frames == cut.sum()
        clear = ~cut & (area > 0)
        centres = [np.argwhere(mask).mean(0) if mask.any() else np.full(2, np.nan) for mask in whole]
        steps = [np.linalg.norm(centres[t] - centres[t - 1]) for t in range(1, len(area)) if clear[t] and clear[t - 1]]
        assert one.mean_motion == pytest.approx(np.mean(steps) / SIDE)
        assert one.most_motion == pytest.approx(np.max(steps) / SIDE)
        assert one.scale_change == pytest.approx(np.sqrt(area[clear].max() / area[clear].min()))


def still(colour: int, where: tuple[float, float], **changes: object) -> Layer:
    """A disc that stands still for three frames."""
    y, x = (np.mgrid[:64, :64] + 0.5) / 32 - 1
    picture = np.dstack([np.full((64, 64, 3), colour), np.clip((0.8 - np.hypot(x, y)) * 20 + 0.5, 0, 1) * 255])
    ones = np.ones(3)
    layer = Layer(
        1,
        picture.astype(np.uint8),
        np.array([where] * 3),
        0 * ones,
        0.2 * ones,
        np.zeros((1, 3)),
        np.zeros((3, 1)),
        ones,
    )
    return replace(layer, **changes)


def observed(
    *layers: Layer, camera: np.ndarray | None = None, light: tuple[float, ...] = (1, 1, 1)
) -> tuple[ClipAttributes, ObjectAttributes]:
    """What three frames of 96x64 pixels with a flat ground are said to show, and object 1 in them."""
    ground = np.full((140, 140, 3), 50, np.uint8)
    spec = SceneSpec(64, 96, frames=3, objects=1, noise=0)
    scene = Scene(spec, ground, np.zeros((3, 4)) if camera is None else camera, layers, np.array(light), 0)
    observer = Observer(scene)
    for t in range(3):
        observer.add(scene.frame(t))
    return observer.result(), observer.result().objects[1]


def test_a_still_scene_shows_nothing() -> None:
    clip, one = observed(still(200, (0, 0)))
    assert (one.mean_motion, one.scale_change, one.rotation, one.deformation, one.appearance_change) == (0, 1, 0, 0, 0)
    assert (one.most_hidden, one.reappearances, one.cut_frames) == (0, 0, 0)
    assert one.first_area == pytest.approx(np.pi * (0.8 * 0.2 * 64) ** 2 / (64 * 96), rel=0.03)
    assert (clip.camera_motion, clip.lighting_change, clip.clutter, clip.distractors, clip.blur) == (0, 1, 0, 0, 0)
    assert clip.background_gradient < 1  # the object's own edge only


def test_each_change_is_measured_by_its_size() -> None:
    _, moving = observed(still(200, (0, 0), centre=np.array([[0, 0], [0.1, 0], [0.1, 0.3]])))
    assert (moving.mean_motion, moving.most_motion) == (pytest.approx(0.2, abs=5e-3), pytest.approx(0.3, abs=5e-3))
    _, turning = observed(still(200, (0, 0), angle=np.radians([350.0, 2.0, -4.0])))
    assert turning.rotation == pytest.approx((12 + 6) / 2)
    _, growing = observed(still(200, (0, 0), radius=np.array([0.2, 0.1, 0.3])))
    assert growing.scale_change == pytest.approx(3, rel=0.05)
    assert growing.deformation < 0.1  # a few pixels of the smallest
    _, darker = observed(still(200, (0, 0), gain=np.array([1, 0.9, 0.5])))
    assert darker.appearance_change == pytest.approx(100 / 255, abs=0.01)
    lit, _ = observed(still(200, (0, 0)), light=(1.0, 0.5, 0.8))
    assert lit.lighting_change == 2
    camera = np.zeros((3, 4))
    camera[1:, 0] = 0.25
    moved, _ = observed(still(200, (0, 0)), camera=camera)
    assert moved.camera_motion == pytest.approx(0.125)
    squeezed = still(200, (0, 0), waves=np.array([[2.0, 1.0, 0.3]]), phases=np.array([[0.0], [2.0], [3.0]]))
    assert 0.15 < observed(squeezed)[1].deformation < 0.8


def test_things_and_look_alikes_are_told_from_objects() -> None:
    thing, twin = still(100, (0.4, 0.2), label=0), still(200, (-0.4, -0.2), label=0, twin=True)
    clip, one = observed(still(200, (0, 0)), thing, twin)
    assert clip.distractors == 1
    assert clip.clutter == pytest.approx(2 * np.pi * (0.8 * 0.2 * 64) ** 2 / (64 * 96), rel=0.03)
    _, one = observed(still(200, (0, 0)), still(90, (0, 0), label=0, radius=np.array([0.1, 0.3, 0.1])))
    assert (one.hidden_frames, one.longest_hidden, one.partly_hidden_frames, one.reappearances) == (1, 1, 2, 1)
    assert one.most_hidden == pytest.approx(0.25, abs=0.02)
    _, one = observed(still(200, (3, 3)))
    assert (one.first_frame, one.first_area, one.mean_motion, one.appearance_change) == (None,) * 4


@pytest.mark.parametrize("clip", [0, 1])
@pytest.mark.parametrize("count", [1, 7])
def test_an_object_is_hidden_in_full_for_exactly_so_many_frames(count: int, clip: int) -> None:
    scene, frames, _ = film(f"occlusion={count},length=36", clip)
    for object_id in (1, 2):
        seen = np.array([(frame.labels == object_id).any() for frame in frames])
        gone = np.flatnonzero(~seen)
        assert len(gone) == count == gone[-1] - gone[0] + 1
        assert gone[0] >= 12
        assert gone[-1] < 36 - 12
        assert outlines(scene, object_id)[gone].any((1, 2)).all()


@pytest.mark.parametrize("clip", [0, 1])
@pytest.mark.parametrize("count", [1, 7])
def test_an_object_is_out_of_the_view_for_exactly_so_many_frames(count: int, clip: int) -> None:
    scene, frames, _ = film(f"outside={count},length=36", clip)
    for object_id in (1, 2):
        seen = np.array([(frame.labels == object_id).any() for frame in frames])
        gone = np.flatnonzero(~seen)
        assert len(gone) == count == gone[-1] - gone[0] + 1
        assert not outlines(scene, object_id)[gone].any()


@pytest.mark.parametrize("count", [1, 9])
def test_objects_appear_when_they_are_to(count: int) -> None:
    _, frames, _ = film(f"appear={count},objects=3,length=24")
    seen = np.array([[(frame.labels == i).mean() for i in (1, 2, 3)] for frame in frames])
    assert seen[:, 0].all()
    assert not seen[:count, 1:].any()
    assert seen[count:, 1:].all()
    assert seen[count].min() > 0.005


def test_events_come_again_in_each_period() -> None:
    _, _, shows = film("occlusion=3,period=30,length=90,objects=1")
    assert (shows.objects[1].reappearances, shows.objects[1].hidden_frames, shows.objects[1].longest_hidden) == (
        3,
        9,
        3,
    )


def test_part_of_an_object_is_hidden_as_asked() -> None:
    for share in (0.3, 0.7):
        _, _, shows = film(f"partial={share},length=40,objects=1")
        assert shows.objects[1].most_hidden == pytest.approx(share, abs=0.08)
        assert shows.objects[1].hidden_frames == 0


EFFECTS = {
    "deformation": (0.02, 0.3, lambda shows: shows.objects[1].deformation),
    "speed": (0.005, 0.06, lambda shows: shows.objects[1].mean_motion),
    "scale": (1, 3, lambda shows: shows.objects[1].scale_change),
    "rotation": (0.5, 8, lambda shows: shows.objects[1].rotation),
    "appearance": (0, 1, lambda shows: shows.objects[1].appearance_change),
    "lighting": (0, 0.8, lambda shows: shows.lighting_change),
    "clutter": (0, 10, lambda shows: shows.clutter),
    "distractors": (0, 4, lambda shows: shows.distractors),
    "camera": (0, 0.03, lambda shows: shows.camera_motion),
    "blur": (0, 1, lambda shows: shows.blur),
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_strength_has_the_effect_that_it_names(name: str) -> None:
    weak, strong, measure = EFFECTS[name]
    (_, before, less), (_, after, more) = (film(f"length=20,objects=1,{name}={value}") for value in (weak, strong))
    assert measure(more) > 1.3 * measure(less)
    if name in {"appearance", "lighting", "blur", "rotation", "distractors"}:  # what the sweep is not about stays
        assert np.array_equal(before[0].labels, after[0].labels)
    assert len(before) == len(after) == 20


def test_blur_smears_the_picture_and_not_the_masks() -> None:
    (_, sharp, _), (_, smeared, _) = (film(f"length=20,camera=0.04,objects=1,blur={value}") for value in (0, 1))
    for one, other in zip(sharp[::5], smeared[::5], strict=True):
        assert np.array_equal(one.labels, other.labels)
    edges = [np.mean([np.abs(np.diff(frame.rgb.astype(int), axis=1)).mean() for frame in f]) for f in (sharp, smeared)]
    assert edges[1] < 0.9 * edges[0]


def test_a_clip_may_have_ten_thousand_frames() -> None:
    script = Script.parse("length=10000,clips=1")
    scene = Stage(script.recipes[0], (0, 0, 0), photographs("val")).scene()
    assert scene.frame(9_999).labels.any()
    held = sum(value.nbytes for one in scene.layers for value in vars(one).values() if isinstance(value, np.ndarray))
    assert held < 4e6


def test_an_occluder_that_is_not_there_leaves_no_smear() -> None:
    scene, _, _ = film("length=40,objects=1,partial=0.5,blur=1")
    bare = replace(scene, layers=scene.layers[:-1])
    alone = [bool(scene.layers[-1].warp(t, scene.view(t), SIDE, (192, 288))) for t in range(40)]
    clear = [t for t in range(1, 39) if not any(alone[t - 1 : t + 2])]
    assert len(clear) > 5
    for t in clear:
        assert np.array_equal(scene.frame(t).rgb, bare.frame(t).rgb)
