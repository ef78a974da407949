"""Tiny data sets in the exact layouts of the published ones: 64x48 pixels, objects that move over a ramp."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np

from vosbench.images import write_labels

HEIGHT, WIDTH = 48, 64
HOSTILE = "<img src=x onerror=document.body.innerHTML=1>"  # a sequence; a page must show its name as text
HOSTILE_LABEL = "<textarea> & 'latest'"  # a strategy likewise


def frame(t: int, ids: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
    """Frame t of a clip, BGR uint8 [48,64,3], and its label map: a rectangle per id, 0 for a place left free."""
    ramp = np.linspace(40, 120, WIDTH)[None, :, None] + np.linspace(0, 60, HEIGHT)[:, None, None]
    image = np.broadcast_to(ramp, (HEIGHT, WIDTH, 3)).astype(np.uint8).copy()
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place, object_id in enumerate(ids):
        window = np.s_[4 + 14 * place : 16 + 14 * place, 6 + 2 * t + 5 * place : 24 + 2 * t + 5 * place]
        if object_id:
            image[window] = np.roll((30, 130, 240), place)
            labels[window] = object_id
    return image, labels


def write_clip(frames: Path, masks: Path, names: Iterable[str], ids: Iterable[int], annotated: int) -> None:
    """A JPEG for every name, and a label PNG for the first `annotated` of them."""
    frames.mkdir(parents=True)
    masks.mkdir(parents=True)
    for t, name in enumerate(names):
        image, labels = frame(t, ids)
        assert cv2.imwrite(str(frames / f"{name}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        if t < annotated:
            write_labels(masks / f"{name}.png", labels)


def write_small_davis(root: Path) -> Path:
    """DAVIS 2017 at 64x48: val is `ant` (ids 1, 2) and `bee` (id 1), 6 frames; test-dev is `cat`, first mask only."""
    names = [f"{t:05d}" for t in range(6)]
    for sequence, ids, annotated in (("ant", (1, 2), 6), ("bee", (1,), 6), ("cat", (1, 2), 1)):
        write_clip(root / "JPEGImages/480p" / sequence, root / "Annotations/480p" / sequence, names, ids, annotated)
    (root / "ImageSets/2017").mkdir(parents=True)
    (root / "ImageSets/2017/val.txt").write_text("ant\nbee\n")
    (root / "ImageSets/2017/test-dev.txt").write_text("cat\n")
    return root


def write_frames(folder: Path, names: Iterable[str], ids: Mapping[str, tuple[int, ...]] | tuple[int, ...]) -> None:
    """A JPEG for each name, with objects `ids`: the same in all, or by name, and then none where there is no entry."""
    folder.mkdir(parents=True, exist_ok=True)
    for t, name in enumerate(names):
        shown = ids if isinstance(ids, tuple) else ids.get(name, ())
        assert cv2.imwrite(str(folder / f"{name}.jpg"), frame(t, shown)[0], [cv2.IMWRITE_JPEG_QUALITY, 95])


def write_masks(folder: Path, names: list[str], masks: Mapping[str, tuple[int, ...]]) -> None:
    """A label PNG for each name in `masks`, which is one of the video's `names`, with the ids there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, ids in masks.items():
        write_labels(folder / f"{name}.png", frame(names.index(name), ids)[1])


def write_lvos(root: Path, folder: str = "val", prefix: str | None = None) -> Path:
    """LVOS: `ant` with object 2 in all of 12 frames and 7 from the fourth on, `bee` with object 1, unseen. Frame names
    are 1, 6, 11, …; `test` has first masks only.
    """
    names = [f"{5 * t + 1:08d}" for t in range(12)]
    videos = {
        "ant": {name: (2, 7 if t >= 3 else 0) for t, name in enumerate(names)},
        "bee": dict.fromkeys(names, (1,)),
    }
    spans = {"ant": {2: (1, 56, 12), 7: (16, 56, 9)}, "bee": {1: (1, 56, 12)}}
    for split, called in ((folder, prefix or folder), ("test", "test")):
        for video, shown in videos.items():
            write_frames(root / split / "JPEGImages" / video, names, shown)
            starts = {names[0]: shown[names[0]], names[3]: shown[names[3]]} if video == "ant" else {names[0]: (1,)}
            write_masks(root / split / "Annotations" / video, names, starts if split == "test" else shown)
        told = {
            video: {
                "objects": {
                    str(i): {"frame_range": dict(zip(("start", "end", "frame_nums"), map(str, span), strict=True))}
                    for i, span in objects.items()
                }
            }
            for video, objects in spans.items()
        }
        (root / split / f"{called}_meta.json").write_text(json.dumps({"videos": told}))
        for video, attributes in (("ant", ["OCC", "DEF"]), ("bee", ["OCC"])):
            told[video]["attributes"] = attributes
        meta = {"sets": [called], "attributes": ["OCC", "DEF"], "videos": told}
        (root / split / f"{called}_meta_attribute.json").write_text(json.dumps(meta))
    (root / "unseen_videos.txt").write_text("bee\nelsewhere\n")
    return root


def write_mose(root: Path) -> Path:
    """MOSE: `ant` (ids 1 and 3) and `bee` (id 2), 6 frames. In `train` object 3 appears at frame 2; `valid` has first
    masks only, and `meta.json` lists no other id.
    """
    names = [f"{t:05d}" for t in range(6)]
    for split in ("train", "valid"):
        meta = {}
        for video, ids in (("ant", (1, 3)), ("bee", (2,))):
            masks = dict.fromkeys(names[:1], ids)
            if split == "train":
                masks = {name: tuple(i if i != 3 or t >= 2 else 0 for i in ids) for t, name in enumerate(names)}
            write_frames(root / split / "JPEGImages" / video, names, masks if split == "train" else ids)
            write_masks(root / split / "Annotations" / video, names, masks)
            meta[video] = {"length": 6, "height": HEIGHT, "width": WIDTH, "objects": [str(i) for i in ids]}
        (root / split / "meta.json").write_text(json.dumps({"videos": meta}))
    return root


def write_sav(root: Path) -> Path:
    """SA-V: `sav_000001` with 000 in all of 24 frames, of which every fourth is annotated, 001 inside it, and 002 from
    frame 8 on; `sav_000002` with 000.
    """
    split, names = root / "sav_val", [f"{t:05d}" for t in range(24)]
    for video, objects in (("sav_000001", {0: 0, 1: 0, 2: 8}), ("sav_000002", {0: 0})):
        write_frames(split / "JPEGImages_24fps" / video, names, (1, 3) if len(objects) > 1 else (1,))
        for number, start in objects.items():
            for t in range(start, 24, 4):
                labels = frame(t, (0, 1) if number == 2 else (1,))[1]
                if number == 1:
                    labels[:9] = 0
                folder = split / "Annotations_6fps" / video / f"{number:03d}"
                folder.mkdir(parents=True, exist_ok=True)
                write_labels(folder / f"{t:05d}.png", labels)
    (split / "sav_val.txt").write_text("sav_000001\nsav_000002\n")
    return root


def write_vost(root: Path) -> Path:
    """VOST: `1_cut_ant` (ids 1 and 2) and `2_tear_bee` (id 1), 12 frames at 10 fps, every other one annotated; `test`
    has the first mask of `3_open_cat` only.
    """
    names = [f"frame{6 * t:05d}" for t in range(12)]
    lists = {"val": {"1_cut_ant": (1, 2), "2_tear_bee": (1,)}, "test": {"3_open_cat": (1,)}}
    (root / "ImageSets").mkdir(parents=True)
    for split, videos in lists.items():
        (root / "ImageSets" / f"{split}.txt").write_text("".join(f"{video}\n" for video in videos))
        for video, ids in videos.items():
            write_frames(root / "JPEGImages_10fps" / video, names, ids)
            write_frames(root / "JPEGImages" / video, names[::2], ids)
            annotated = names[:1] if split == "test" else names[::2]
            write_masks(root / "Annotations" / video, names, dict.fromkeys(annotated, ids))
    return root


def write_visor(root: Path) -> Path:
    """VISOR: `P01_03_seq_00001` (ids 1 and 2) in `val`, three frames; `P05_02_seq_00004` in `val_unseen`, two."""
    (root / "ImageSets/2022").mkdir(parents=True)
    for split, video, times, ids in (
        ("val", "P01_03_seq_00001", (0, 3, 4), (1, 2)),
        ("val_unseen", "P05_02_seq_00004", (1, 9), (1,)),
    ):
        names = [f"{video[:6]}_frame_{37 * t:010d}" for t in times]
        write_frames(root / "JPEGImages/480p" / video, names, ids)
        write_masks(root / "Annotations/480p" / video, names, dict.fromkeys(names, ids))
        (root / f"ImageSets/2022/{split}.txt").write_text(f"{video}\n")
    return root


def write_longvideo(root: Path) -> Path:
    """LongVideo: `rat` (ids 1 and 2) with 12 frames, of which 0, 4, 5 and 9 have masks; x3 goes on backwards."""
    for split, turns in (("long_video", 1), ("long_video_x3", 3)):
        times = [t for turn in range(turns) for t in (range(12) if turn % 2 == 0 else range(11, -1, -1))]
        names = [f"{n:05d}" for n in range(len(times))]
        frames, masks = (root / split / kind / "rat" for kind in ("JPEGImages", "Annotations"))
        for folder in (frames, masks):
            folder.mkdir(parents=True)
        for name, t in zip(names, times, strict=True):
            image, labels = frame(t, (1, 2))
            assert cv2.imwrite(str(frames / f"{name}.jpg"), image)
            if t in (0, 4, 5, 9):
                write_labels(masks / f"{name}.png", labels)
    return root


WRITERS: Mapping[str, Callable[[Path], Path]] = {
    "longvideo": write_longvideo,
    "lvos-v1": write_lvos,
    "lvos-v2": write_lvos,
    "mose-v1": write_mose,
    "mose-v2": write_mose,
    "sav": write_sav,
    "visor": write_visor,
    "vost": write_vost,
}
