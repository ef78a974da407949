"""Scores of sequences kept on disk, so that unchanged masks are never decoded twice.

An entry is found by the content of every file that it depends on, by the rules and by the code that computed it, so
that none can be stale. `prune` lets those go that were used least recently.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from vosbench.base.atomic import replacing
from vosbench.base.codec import encode
from vosbench.base.hashing import source_hash
from vosbench.base.sources import source_of
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.statistics import ObjectTrace
from vosbench.video import GroundTruth, MaskSource

SCORES = Path(".vosbench") / "scores"  # where the command line keeps them
MOST_BYTES = 256 * 2**20  # of scores kept: some 30,000 sequences of DAVIS


def key(truth: GroundTruth, predictions: Mapping[str, MaskSource], protocol: Protocol) -> str:
    """The name (40 hex digits) of a sequence's scores.

    Every file is read in full: that costs a hundredth of decoding it, and times and sizes of files may lie.
    """
    hasher = hashlib.blake2b(digest_size=20)
    own: tuple[type, ...] = (type(protocol.objects), type(protocol.measure))
    code = [source_hash("vosbench.masks.score"), *map(source_of, own)]
    told = [truth.sequence, truth.frame_names, list(truth.masks), repr((truth.spans, truth.unseen, truth.listed))]
    hasher.update(json.dumps([code, repr(protocol), told]).encode())
    for source in (*truth.masks.values(), *predictions.values()):
        as_they_are = type(source) is not source.reader  # trusted: nothing is then refused
        hasher.update(f"{source_of(source.reader)} {as_they_are} {source.reading()} ".encode())
        hasher.update(b"".join(map(_content, source.files())))
    return hasher.hexdigest()


def _content(path: Path) -> bytes:
    """The bytes of a file after their number; of one that cannot be read, which may not be scored, a number alone."""
    try:
        content = path.read_bytes()
    except OSError:
        return (2**64 - 1).to_bytes(8)
    return len(content).to_bytes(8) + content


def write(folder: Path, name: str, found: Sequence[ObjectTrace]) -> None:
    """Keep the scores of a sequence under its key. Raises VosbenchError if the file cannot be written."""
    body = json.dumps(encode(found)).encode()
    with replacing(folder / name, "cached scores") as temporary:
        temporary.write_bytes(_seal(name, body) + b"\n" + body)


def read(folder: Path, name: str) -> tuple[ObjectTrace, ...] | None:
    """The scores under a key, which are then the latest used; None if there are none, or if the file is damaged."""
    try:
        seal, _, body = (folder / name).read_bytes().partition(b"\n")
    except OSError:
        return None
    if seal != _seal(name, body):
        return None
    with suppress(OSError):  # somebody else's, or gone by now
        os.utime(folder / name)
    return tuple(_trace(**row) for row in json.loads(body))


def _trace(frames: list[str], j: Any, f: Any, pixels: Any, extra: Mapping[str, Any], **others: Any) -> ObjectTrace:
    series: dict[str, Any] = {"j": np.array(j, float), "f": np.array(f, float), "pixels": np.array(pixels, np.int64)}
    series["extra"] = {name: np.array(values) for name, values in extra.items()}
    return ObjectTrace(frames=tuple(frames), **series, **others)


def prune(folder: Path, most_bytes: int = MOST_BYTES) -> None:
    """Delete the entries that were used least recently until the others hold `most_bytes` at most.

    Nothing else in the folder is touched, and what cannot be deleted stays.
    """
    entries = []
    with suppress(OSError), os.scandir(folder) as files:
        for file in files:
            if re.fullmatch("[0-9a-f]{40}", file.name):
                with suppress(OSError):  # another process may prune too
                    entries.append((file.stat().st_mtime_ns, file.stat().st_size, file.path))
    excess = sum(size for _, size, _ in entries) - most_bytes
    for _, size, path in sorted(entries):
        if excess <= 0:
            break
        with suppress(OSError):
            os.unlink(path)
        excess -= size


def _seal(name: str, body: bytes) -> bytes:
    return hashlib.blake2b(name.encode() + body, digest_size=20).hexdigest().encode()
