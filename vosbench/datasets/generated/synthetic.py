"""The generated data set: the embedded default, which needs no download.

Clips are written once, in the layout of DAVIS 2017, into a folder per split; what is in them is determined by
version, seed and recipe. `meta.json` says what was asked for and what each clip shows, as measured.
"""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import cv2

from vosbench.base.text import read_text
from vosbench.base.words import count
from vosbench.datasets.davis import DavisLayout
from vosbench.datasets.first_masks import earliest
from vosbench.datasets.generated.attributes import ClipAttributes, Observer, longest
from vosbench.datasets.generated.recipe import BASES, DEFAULTS, Recipe, Script
from vosbench.datasets.generated.scene import Scene
from vosbench.datasets.generated.staging import HEIGHT, WIDTH, Stage
from vosbench.datasets.generated.textures import photographs
from vosbench.errors import VosbenchError
from vosbench.images import write_labels

VERSION = 2  # goes up whenever a pixel of the data set changes
CACHE = Path(".vosbench") / "datasets"
VISIBLE = 0.005  # least share of the frame that each object covers where it first appears
JPEG_QUALITY = 95
ATTEMPTS = 40
LOG = logging.getLogger(__name__)


class Synthetic(DavisLayout):
    """Generated clips with exact masks; the objects may appear later than in the first frame.

    `root` is the folder that holds, or gets, a folder for each split (None: the cache); of splits see `recipe`.
    """

    name = "synthetic"
    year = "2017"
    splits: ClassVar[tuple[str, ...]] = tuple(BASES)
    frame_modes: ClassVar[tuple[str, ...]] = (f"{WIDTH}x{HEIGHT}",)
    find_first = staticmethod(earliest)  # not in the first frame alone
    default_protocol = "vos-benchmark"  # DAVIS 2017's leaves out objects that are not in the first frame

    def __init__(self, root: Path | None = None, split: str | None = None, frame_mode: str | None = None) -> None:
        script = Script.parse(split or self.splits[0])
        if absent := self.would_make(root, script.split):
            generate(absent, script)
        super().__init__(self._place(root, script), script.split, frame_mode)

    @classmethod
    def would_make(cls, root: Path | None, split: str | None = None) -> Path | None:
        """The folder of the split, unless something is there. Raises VosbenchError for a split that cannot be made."""
        folder = cls._place(root, Script.parse(split or cls.splits[0]))
        taken = any(folder.iterdir()) if folder.is_dir() else folder.exists()
        return None if taken else folder

    @staticmethod
    def _place(root: Path | None, script: Script) -> Path:
        return (root or CACHE / f"synthetic-v{VERSION}") / script.split

    def attributes(self, name: str) -> tuple[str, ...]:
        """The attributes of which a clip was asked for more than a calm one has. Raises as `shows`."""
        asked = self._told(name, "asked")
        return tuple(attribute for attribute, calm in DEFAULTS.items() if asked.get(attribute, calm) > calm)

    def shows(self, name: str) -> Mapping[str, Any]:
        """What a clip shows, as measured and as `attributes.ClipAttributes.as_json` gives it.

        Raises VosbenchError if the sequence is unknown, or meta.json absent or broken.
        """
        return self._told(name, "shows")

    def _told(self, name: str, what: str) -> Mapping[str, Any]:
        """A part of what meta.json says of a clip."""
        self._require(name)
        path = self.root / "meta.json"
        try:
            told: Mapping[str, Any] = json.loads(read_text(path, "delete the folder"))["videos"][name][what]
        except (ValueError, KeyError, TypeError):
            hint = f"delete the folder {self.root}: it is generated again"
            raise VosbenchError(f"{path} does not tell what {name} shows", hint) from None
        return told

    def _resolution_folder(self) -> str:
        return "480p"  # the folder's name in the layout, whatever the size of the frames


def generate(folder: Path, script: Script) -> None:
    """Write a split to `folder`, which appears complete or not at all; the log says so.

    Raises VosbenchError if it cannot be written, or if what is asked for does not come about.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # The folder around it is for this user alone, which what is in it is not.
        with tempfile.TemporaryDirectory(
            prefix=f".{folder.name}-", dir=folder.parent, ignore_cleanup_errors=True
        ) as made:
            (part := Path(made) / folder.name).mkdir()
            clips = count(len(script.recipes), "clip")
            LOG.info("generating %s of %s %s in %s, where they are kept", clips, Synthetic.name, script.split, folder)
            videos = {}
            for number, recipe in enumerate(script.recipes):
                name = f"clip-{number:02d}"
                drawn = (Stage(recipe, (script.seed, number, i), photographs("val")).scene() for i in range(ATTEMPTS))
                shows = next(filter(None, (_write_clip(part, name, recipe, scene) for scene in drawn)), None)
                if shows is None:
                    told = f"none of {ATTEMPTS} scenes drawn for {name} of {script.split} shows what is asked for"
                    raise VosbenchError(told, "ask for fewer objects, less speed or shorter events")
                videos[name] = {"asked": asdict(recipe), "shows": shows.as_json()}
            lists = part / "ImageSets" / "2017"
            lists.mkdir(parents=True)
            (lists / f"{script.split}.txt").write_text("".join(f"{name}\n" for name in videos))
            meta = {"version": VERSION, "seed": script.seed, "split": script.split, "videos": videos}
            (part / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")
            os.rename(part, folder)
    except OSError as error:
        if folder.is_dir():
            return  # another process was faster
        hint = "choose a writable folder as root (--root)"
        raise VosbenchError(f"cannot write the generated data set to {folder}: {error.strerror}", hint) from None


def _write_clip(root: Path, name: str, recipe: Recipe, scene: Scene) -> ClipAttributes | None:
    """Write a clip and return what it shows, or None as soon as that is not what is asked for."""
    frames, masks = (root / kind / "480p" / name for kind in ("JPEGImages", "Annotations"))
    for folder in (frames, masks):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    observer = Observer(scene)
    for t in range(scene.spec.frames):
        frame = scene.frame(t)
        observer.add(frame)
        if not _keeps_to(recipe, observer):
            return None
        jpeg = cv2.imencode(".jpg", frame.rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        (frames / f"{t:05d}.jpg").write_bytes(jpeg.tobytes())
        write_labels(masks / f"{t:05d}.png", frame.labels)
    shows = observer.result()
    return shows if _shows_all(recipe, shows) else None


def _keeps_to(recipe: Recipe, observer: Observer) -> bool:
    """Whether nothing has gone too far yet: objects hidden or outside for too long, small or early at first sight."""
    for object_id, track in observer.tracks.items():
        due = recipe.first_frame(object_id)
        if track.first_frame is None:
            if observer.length > due:
                return False
        elif track.first_frame != due or (track.first_area or 0) < VISIBLE:
            return False
        if longest(track.hidden) > recipe.occlusion or longest(track.outside) > recipe.outside:
            return False
    return True


def _shows_all(recipe: Recipe, shows: ClipAttributes) -> bool:
    return all(
        (one.longest_hidden, one.longest_outside) == (recipe.occlusion, recipe.outside)
        for one in shows.objects.values()
    )
