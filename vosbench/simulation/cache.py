"""Recorded traces on disk, found by the content of all that determines them, so that none can be stale."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vosbench.base.atomic import replacing
from vosbench.base.hashing import digest, source_hash
from vosbench.base.values import build
from vosbench.errors import VosbenchError
from vosbench.models.base import Keys, Network
from vosbench.models.checkpoint import family_hash
from vosbench.models.geometry import Geometry
from vosbench.simulation.trace import Trace, record
from vosbench.video import Sequence, inference_side


def keep(
    folder: Path,
    model: Network,
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
        "code": [source_hash("vosbench.simulation.cache", type(model).__module__), family_hash(type(model))],
        "torch": torch.__version__,
        "weights": checkpoint_hash,
        "device": device.type,
        "threads": torch.get_num_threads() if device.type == "cpu" else None,
        "files": fingerprint,
        "frames": [frame.name for frame in sequence.frames],
        "objects": [(mask.frame_index, mask.object_ids) for mask in sequence.first_masks],
        "shorter_side": inference_side(shorter_side, sequence.shorter_side, model.spec.shorter_side),
    }
    path = folder / f"{digest(facts)}.safetensors"
    try:
        load(path)
    except VosbenchError:
        trace = record(model, sequence, shorter_side, progress)
        about = {"name": trace.name, "appearing": trace.appearing, "geometry": asdict(trace.geometry)}
        about |= {"tokens": [*trace.tokens.extras], "queries": [*trace.queries.extras]}
        with replacing(path, "trace") as temporary:
            save_file(_named(trace), temporary, {"trace": json.dumps(about)})
    return path


def load(path: Path, device: str = "cpu") -> Trace:
    """The trace in a file, its keys on `device`. Raises VosbenchError if there is none, or if it is not whole."""
    try:
        with safe_open(path, "pt", device) as file:
            about = json.loads(file.metadata()["trace"])
            kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
            tokens, queries = _keys(kept, about["tokens"], "token"), _keys(kept, about["queries"], "query")
            geometry = build(Geometry, about["geometry"], path.name)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, VosbenchError) as error:
        raise VosbenchError(f"{path} holds no trace ({error})", "delete it; it is recorded again when needed") from None
    appearing = tuple((frame, count) for frame, count in about["appearing"])
    return Trace(about["name"], tokens, queries, appearing, geometry)


def _named(trace: Trace) -> dict[str, Tensor]:
    """The tensors of a trace by name; those of queries that are the tokens' own are stored once."""
    tokens, queries = ({"key": keys.key, **keys.extras} for keys in (trace.tokens, trace.queries))
    own = {name: tensor for name, tensor in queries.items() if name not in tokens or not tensor.equal(tokens[name])}
    return {f"token.{name}": t for name, t in tokens.items()} | {f"query.{name}": t for name, t in own.items()}


def _keys(kept: dict[str, Tensor], extras: list[str], kind: str) -> Keys:
    names = {name: f"{kind}.{name}" if f"{kind}.{name}" in kept else f"token.{name}" for name in ("key", *extras)}
    return Keys(kept[names.pop("key")], {name: kept[stored] for name, stored in names.items()})
