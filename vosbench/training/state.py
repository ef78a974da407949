"""The checkpoint of a training, as a file: {model, optimizer, schedule, scaler, best, step, config}."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from vosbench.errors import VosbenchError

PARTS = ("model", "optimizer", "schedule", "step", "config")


def read_state(path: Path) -> dict[str, Any]:
    """On the CPU. Raises VosbenchError if the file cannot be read or is no checkpoint of a training."""
    if not path.is_file():
        raise VosbenchError(f"no checkpoint {path}", "check the path")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # broken bytes lead an unpickler to raise anything
        raise VosbenchError(
            f"{path} is not a readable checkpoint ({type(error).__name__})", "train again into an empty folder"
        ) from None
    if not isinstance(state, dict) or not set(PARTS) <= set(state):
        raise VosbenchError(f"{path} is no checkpoint of a training", f"it must hold {', '.join(PARTS)}")
    return state


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Written beside and renamed, so that a kill never leaves half a file.

    Raises VosbenchError if it cannot be written, for want of space, say; what was there before stays.
    """
    part = path.with_suffix(".tmp")
    try:
        with part.open("wb") as file:  # of Python's, whose errors say why; torch's own writer aborts
            torch.save(state, file)
        os.replace(part, path)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):
            part.unlink()
        cause = error if isinstance(error, OSError) else error.__context__  # torch's complaint may cover it
        reason = getattr(cause, "strerror", None) or str(error).partition("\n")[0]
        raise VosbenchError(
            f"cannot write checkpoint {path}: {reason}",
            "free space and start again: the training goes on from the last checkpoint that was written",
        ) from None
