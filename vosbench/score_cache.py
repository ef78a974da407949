"""Scores of sequences kept on disk, so that unchanged masks are never decoded twice.

An entry is found by the content of every file that it depends on, by the rules and by the code that computed it.
Nothing can be stale: whatever changes a score changes the name under which it is looked up.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np

from vosbench.hashing import PACKAGE, source_hash
from vosbench.metrics.protocols import Protocol
from vosbench.metrics.statistics import ObjectTrace
from vosbench.types import GroundTruth
from vosbench.writing import replacing

SCORES = Path(".vosbench") / "scores"  # where the command line keeps them
SOURCE = ("images.py", "types.py", "metrics", "score_cache.py")


@cache
def _code() -> str:
    return source_hash(PACKAGE, SOURCE)


def key(truth: GroundTruth, predictions: Path, protocol: Protocol) -> str:
    """The name (40 hex digits) of a sequence's scores.

    Every file is read in full: that costs a hundredth of decoding it, and times and sizes of files may lie.
    """
    hasher = hashlib.blake2b(digest_size=20)
    facts = [_code(), asdict(protocol), truth.sequence, truth.binary, truth.frame_names]
    hasher.update(json.dumps(facts).encode())
    for name in truth.frame_names:
        if name in truth.masks:
            hasher.update(_content(truth.masks[name]) + _content(predictions / truth.sequence / f"{name}.png"))
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
    rows = [(t.sequence, t.object_id, t.frames, t.j.tolist(), t.f.tolist(), t.visible.tolist()) for t in found]
    body = json.dumps(rows, allow_nan=False).encode()
    with replacing(folder / name, "cached scores") as temporary:
        temporary.write_bytes(_seal(name, body) + b"\n" + body)


def read(folder: Path, name: str) -> tuple[ObjectTrace, ...] | None:
    """The scores under a key; None if there are none, or if the file is not as it was written."""
    try:
        seal, _, body = (folder / name).read_bytes().partition(b"\n")
    except OSError:
        return None
    if seal != _seal(name, body):
        return None
    return tuple(
        ObjectTrace(sequence, object_id, tuple(frames), np.array(j), np.array(f), np.array(visible, bool))
        for sequence, object_id, frames, j, f, visible in json.loads(body)
    )


def _seal(name: str, body: bytes) -> bytes:
    return hashlib.blake2b(name.encode() + body, digest_size=20).hexdigest().encode()
