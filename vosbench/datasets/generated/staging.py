"""Turns a recipe into a scene: objects with room of their own, what else there is, and what happens to them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np

from vosbench.datasets.generated.events import AWAY, Event, cover, leave, rounded_square
from vosbench.datasets.generated.layers import Layer, reach
from vosbench.datasets.generated.motion import swing, wander
from vosbench.datasets.generated.recipe import LEAD, Recipe
from vosbench.datasets.generated.scene import Scene, SceneSpec
from vosbench.datasets.generated.textures import blob, shaded, surface

HEIGHT, WIDTH = 192, 288
SPRITE = 128  # pixels of a layer's picture
NOISE = 2.0
SHADOW = 0.35
PACE = 0.15  # of the deformation, radians per frame
T = TypeVar("T", Layer, Scene)
GROUND, OBJECT, TWIN, THING, OCCLUDER = range(5)  # what random numbers are for


class Stage:
    """Draws the scene of a recipe from `key`.

    Every thing has random numbers of its own, so that with another strength of one attribute the rest stays as it is.
    """

    def __init__(self, recipe: Recipe, key: tuple[int, ...], photos: tuple[np.ndarray, ...]) -> None:
        self.recipe, self.key, self.photos = recipe, key, photos
        self.steps = recipe.length
        self.rows = 1 if recipe.objects <= 3 else 2
        self.columns = -(-recipe.objects // self.rows)
        self.room = min(WIDTH / HEIGHT / self.columns, 1 / self.rows)  # of an object, in shorter sides
        order = self._random(GROUND, 1).permutation(len(photos))
        self.backdrop, self.surfaces = photos[order[0]], [photos[i] for i in order[1:]]

    def scene(self) -> Scene:
        """The whole scene."""
        recipe = self.recipe
        rng = self._random(GROUND, 0)
        extent = int(1.45 * WIDTH)
        ground = surface(self.backdrop, extent, rng)
        spec = SceneSpec(HEIGHT, WIDTH, self.steps, recipe.objects, noise=NOISE)
        place = wander(self._random(GROUND, 2), self.steps, recipe.camera, 0.15)
        pose = wander(self._random(GROUND, 3), self.steps, recipe.camera / 3, 0.08)
        light = np.exp(recipe.lighting * swing(self._random(GROUND, 4), self.steps, 80)).astype(np.float32)
        bare = Scene(spec, ground, np.hstack([place, pose]), (), light, int(rng.integers(2**31)), recipe.blur, True)
        objects, occluders = [], []
        for index in range(recipe.objects):
            actor, occluder = self._act(index, self._object(index), bare)
            objects.append(actor)
            occluders += [occluder] if recipe.occlusion or recipe.partial else []
        twins = [self._twin(index, objects[index % len(objects)]) for index in range(recipe.distractors)]
        things = [self._thing(index) for index in range(recipe.clutter)]
        front = len(things) // 3  # these pass in front of objects, which are larger
        layers = (*things[front:], *twins, *objects, *things[:front], *occluders)
        layers = tuple(_settled(layer, "centre", "angle", "radius", "phases") for layer in layers)
        return _settled(replace(bare, layers=layers), "camera")

    def _random(self, *purpose: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(np.random.SeedSequence([*self.key, *purpose])))

    def _home(self, index: int) -> np.ndarray:
        """The middle of an object's room."""
        row, column = divmod(index, self.columns)
        in_row = min(self.columns, self.recipe.objects - row * self.columns)
        return np.array([((column + 0.5) / in_row - 0.5) * WIDTH / HEIGHT, (row + 0.5) / self.rows - 0.5])

    def _object(self, index: int) -> Layer:
        recipe, rng = self.recipe, self._random(OBJECT, index)
        outline = blob(SPRITE, rng)
        choice = rng.integers(len(self.surfaces), size=2)
        choice[0] = index % len(self.surfaces)
        now, later = (shaded(surface(self.surfaces[i], SPRITE, rng), outline) for i in choice)
        largest = min(0.32, 0.6 * self.room) * rng.uniform(0.85, 1)
        roam = 0.3 * self.room
        layer = self._layer(rng, index + 1, now, largest / np.sqrt(recipe.scale), recipe.speed, roam)
        scale = np.exp(np.log(recipe.scale) / 2 * swing(rng, self.steps, 70))
        turn = rng.choice([-1, 1]) * np.radians(recipe.rotation) * (1 + 0.6 * swing(rng, self.steps, 50))
        share = np.linspace(0, 1, self.steps)
        return replace(
            layer,
            centre=layer.centre + self._home(index),
            angle=layer.angle + np.cumsum(turn) - turn[0],
            radius=layer.radius * scale,
            later=later,
            fade=recipe.appearance * share * share * (3 - 2 * share),
        )

    def _layer(
        self, rng: np.random.Generator, label: int, picture: np.ndarray, radius: float, speed: float, roam: float
    ) -> Layer:
        """A layer that wanders about the middle of the frame and deforms."""
        frequencies, amplitudes = rng.uniform(-2.5, 2.5, (3, 2)), rng.uniform(0.6, 1, 3) * np.array([1, 0.6, 0.4])
        waves = np.hstack([frequencies, self.recipe.deformation * amplitudes[:, None]])
        pace = PACE * rng.uniform(0.6, 1.4, 3) * rng.choice([-1, 1], 3)
        phases = rng.uniform(0, 2 * np.pi, 3) + pace * np.arange(self.steps)[:, None]
        angle = np.full(self.steps, rng.uniform(-0.5, 0.5))
        path = wander(rng, self.steps, speed, roam)
        gain = np.ones(self.steps, np.float32)
        size = np.full(self.steps, radius)
        far = reach(picture, waves)
        return Layer(label, picture, path, angle, size, waves, phases, gain, shadow=SHADOW, reach=far)

    def _twin(self, index: int, model: Layer) -> Layer:
        """A look-alike of an object, elsewhere, moving in its own way and mostly behind it."""
        rng = self._random(TWIN, index)
        layer = self._layer(rng, 0, model.picture, float(model.radius[0]), 1.5 * self.recipe.speed, 0.3)
        start = np.array([rng.uniform(-0.6, 0.6), rng.choice([-0.3, 0.3])])
        gain = layer.gain * np.float32(rng.uniform(0.9, 1.1))
        return replace(layer, centre=layer.centre + start, gain=gain, later=model.later, fade=model.fade, twin=True)

    def _thing(self, index: int) -> Layer:
        rng = self._random(THING, index)
        picture = shaded(surface(self.photos[rng.integers(len(self.photos))], SPRITE, rng), blob(SPRITE, rng))
        layer = self._layer(rng, 0, picture, 0.5 * self.room * rng.uniform(0.3, 0.6), self.recipe.speed, 0.3)
        return replace(layer, centre=layer.centre + rng.uniform(-1, 1, 2) * np.array([0.7, 0.45]))

    def _act(self, index: int, actor: Layer, bare: Scene) -> tuple[Layer, Layer]:
        """An object with what happens to it, and its occluder."""
        rng = self._random(OCCLUDER, index)
        home, choices = self._home(index), rng.random((2, 2))
        picture = shaded(surface(self.photos[rng.integers(len(self.photos))], SPRITE, rng), rounded_square(SPRITE))
        occluder = Layer(
            label=0,
            picture=picture,
            centre=np.full((self.steps, 2), AWAY),
            angle=np.zeros(self.steps),
            radius=np.ones(self.steps),
            waves=np.zeros((0, 3)),
            phases=np.zeros((self.steps, 0)),
            gain=np.ones(self.steps, np.float32),
            shadow=SHADOW,
            reach=1.1,
        )
        sideways = self.columns > 1 and index % self.columns in (0, self.columns - 1)
        axis = 0 if sideways else 1
        sign = int(np.sign(home[axis])) or int(np.sign(choices[0, 0] - 0.5))
        upright = int(np.sign(home[1])) or int(np.sign(choices[0, 1] - 0.5))
        direction = np.array([choices[1, 0] - 0.5, upright])
        direction /= np.hypot(*direction)
        events = list(self._events(index, choices[1, 1]))
        for event in events:
            if event.kind in ("outside", "appear"):
                actor = leave(actor, bare, event, axis, sign)
        for event in events:
            if event.kind in ("occlusion", "partial"):
                share = 1.0 if event.kind == "occlusion" else self.recipe.partial
                occluder = cover(occluder, actor, bare, event, direction, returns=self.rows > 1, share=share)
        return actor, occluder

    def _events(self, index: int, where: float) -> Iterator[Event]:
        """What happens to an object, one after another, in each of the clip's periods."""
        recipe = self.recipe
        if appear := recipe.first_frame(index + 1):
            yield Event("appear", 0, appear)
        span = self.steps - recipe.start
        times = span // recipe.period if recipe.period else 1
        for turn in range(times):
            slack = span // times - recipe.eventful
            start = recipe.start + turn * (span // times) + int(where * slack)
            for kind, count in recipe.events.items():
                yield Event(kind, start + LEAD, count)
                start += count + 2 * LEAD


def _settled(thing: T, *states: str) -> T:
    """A layer or a scene whose states lack the last digits, in which machines differ."""
    return replace(thing, **{name: np.round(getattr(thing, name), 9) for name in states})
