"""From a training checkpoint to weights that ship: half precision, with a description inside the file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from vosbench.models.stcn import CONFIGS, STCN
from vosbench.training.state import read_state


def export_weights(checkpoint: Path, target: Path) -> None:
    """Write the model of a training checkpoint as safetensors, floats in half precision.

    Raises VosbenchError if `checkpoint` is none of a training.
    """
    state = read_state(checkpoint)
    model = STCN(CONFIGS[state["config"]["model"]])
    model.load_state_dict(state["model"])
    halves = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    # One entry, since the order of several changes from file to file, and with it the hash of the file.
    about = json.dumps({"config": _without_folders(state["config"]), "step": state["step"]})
    save_file({k: v.contiguous() for k, v in halves.items()}, target, metadata={"training": about})


def _without_folders(value: Any) -> Any:
    """Settings in which a path is cut to its name: where it was on one machine means nothing on another."""
    if isinstance(value, Mapping):
        return {key: _without_folders(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(part) for part in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
