"""The checkpoint of a training, as a file: {model, optimizer, schedule, scaler, best, step, config}."""

from pathlib import Path
from typing import Any

import torch

from vosbench.base.atomic import replacing
from vosbench.errors import VosbenchError
from vosbench.models.stcn.network import CONFIGS

PARTS = ("model", "optimizer", "schedule", "step", "config")


def restart_hint(path: Path) -> str:
    """What to do where the checkpoint `path` from which a training is to go on is damaged."""
    best = path.with_name("best.pt")
    if path != best and best.is_file():
        return f"copy {best} to {path}: the training goes on from that; or train again into an empty folder"
    return "train again into an empty folder"


def read_state(path: Path, hint: str = "") -> dict[str, Any]:
    """On the CPU. Raises VosbenchError if the file cannot be read or is no checkpoint of a training.

    hint: what to do if it cannot be read; none: that of `restart_hint`.
    """
    if not path.is_file():
        raise VosbenchError(f"no checkpoint {path}", "check the path")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # broken bytes lead an unpickler to raise anything
        raise VosbenchError(
            f"{path} is not a readable checkpoint ({type(error).__name__})", hint or restart_hint(path)
        ) from None
    if not isinstance(state, dict) or not set(PARTS) <= set(state):
        raise VosbenchError(f"{path} is no checkpoint of a training", f"it must hold {', '.join(PARTS)}")
    if not isinstance(state["config"], dict) or state["config"].get("model") not in CONFIGS:
        raise VosbenchError(
            f"{path} does not say of which model it is", f"its config must have model: one of {', '.join(CONFIGS)}"
        )
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
