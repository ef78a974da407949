"""The checkpoint of a training, as a file: {model, optimizer, schedule, scaler, best, step, config}."""

from pathlib import Path
from typing import Any

import torch

from vosbench.base.atomic import replacing
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
    """Raises VosbenchError if it cannot be written, for want of space, say; what was there before stays."""
    hint = "free space and start again: the training goes on from the last checkpoint that was written"
    with replacing(path, "checkpoint", hint) as part, part.open("wb") as file:
        try:
            torch.save(state, file)  # to a file of Python's, whose errors say why; torch's own writer aborts
        except RuntimeError as error:  # torch's complaint may cover it
            cause = error.__context__
            raise cause if isinstance(cause, OSError) else OSError(str(error).partition("\n")[0]) from None
