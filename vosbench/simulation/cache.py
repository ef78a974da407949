"""Recorded traces on disk, found by the content of all that determines them, so that none can be stale."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from vosbench.base.atomic import replacing
from vosbench.base.hashing import source_hash
from vosbench.errors import VosbenchError
from vosbench.inference.frames import Geometry
from vosbench.models.stcn.network import STCN
from vosbench.simulation.trace import Trace, record
from vosbench.video import Sequence


def keep(
    folder: Path,
    model: STCN,
    checkpoint_hash: str,
    sequence: Sequence,
    fingerprint: str,
    shorter_side: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """The file in `folder` that holds the trace of a sequence; recorded now (see `record`) unless it is there.

    `fingerprint` is that of the sequence's files, `checkpoint_hash` that of the weights. Raises VosbenchError as
    `record` does, and if the file cannot be written.
    """
    device = next(model.parameters()).device
    facts = {
        "code": source_hash("vosbench.simulation.cache"),
        "torch": torch.__version__,
        "weights": checkpoint_hash,
        "device": device.type,
        "threads": torch.get_num_threads() if device.type == "cpu" else None,
        "files": fingerprint,
        "frames": [frame.name for frame in sequence.frames],
        "objects": [(mask.frame_index, mask.object_ids) for mask in sequence.first_masks],
        "size": shorter_side or sequence.shorter_side,
    }
    name = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16).hexdigest()
    path = folder / f"{name}.safetensors"
    try:
        load(path)
    except VosbenchError:
        trace = record(model, sequence, shorter_side, progress)
        about = {"name": trace.name, "appearing": trace.appearing, "geometry": asdict(trace.geometry)}
        with replacing(path, "trace") as temporary:
            save_file({"keys": trace.keys}, temporary, {"trace": json.dumps(about)})
    return path


def load(path: Path, device: str = "cpu") -> Trace:
    """The trace in a file, its keys on `device`. Raises VosbenchError if there is none, or if it is not whole."""
    try:
        with safe_open(path, "pt", device) as file:
            about = json.loads(file.metadata()["trace"])
            keys = file.get_tensor("keys")
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise VosbenchError(f"{path} holds no trace ({error})", "delete it; it is recorded again when needed") from None
    geometry = Geometry(**{side: tuple(lengths) for side, lengths in about["geometry"].items()})
    return Trace(about["name"], keys, tuple((frame, count) for frame, count in about["appearing"]), geometry)
