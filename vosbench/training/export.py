"""From a training checkpoint to weights that ship: half precision, with a description inside the file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vosbench.base.atomic import replacing
from vosbench.errors import VosbenchError
from vosbench.training.config import TrainConfig
from vosbench.training.state import is_finite, read_state


def export_weights(checkpoint: Path, target: Path, others: Sequence[Path] = ()) -> None:
    """Write the model of a training checkpoint, the average of its weights if it has one, as safetensors, floats in
    half precision.

    With `others`, checkpoints from other places of one path of training, it is the mean of all of them, tensor by
    tensor (a uniform soup: Wortsman et al., "Model soups", ICML 2022). Raises VosbenchError if one of them is no
    checkpoint of a training, or of another model, and for weights beyond half precision.
    """
    states = [read_state(checkpoint)]
    name = states[0]["config"]["model"]
    states += [read_averaged(path, name) for path in others]
    halves = {k: v.half() if v.is_floating_point() else v for k, v in mean_weights(states).items()}
    if wide := [name for name, value in halves.items() if not is_finite(value)]:
        raise VosbenchError(
            f"weights of {checkpoint} are not finite after rounding to half precision: {len(wide)} tensors ({wide[0]})",
            "its training diverged: lower learning_rate, in an empty folder; the checkpoint is kept",
        )
    # One entry, since the order of several changes from file to file, and with it the hash of the file.
    parts = [{"config": _without_folders(state["config"]), "step": state["step"]} for state in states]
    about = json.dumps(parts[0] | ({"averaged_with": parts[1:]} if others else {}))
    data = save({k: v.contiguous() for k, v in halves.items()}, metadata={"training": about})
    with replacing(target, "weights", "choose another --export, and start again: the training is kept") as part:
        part.write_bytes(data)


def is_earlier_export(target: Path, configs: Sequence[TrainConfig]) -> bool:
    """Whether a file holds weights that a training of one of these settings exported, be it after fewer steps."""
    try:
        with safe_open(target, "pt") as weights:
            found = json.loads(weights.metadata()["training"])["config"]
        mine = [json.loads(json.dumps(_without_folders(asdict(config)))) for config in configs]
        return any(all(found[key] == one[key] for key in one.keys() - {"stop_at", "device", "initial"}) for one in mine)
    except (OSError, SafetensorError, LookupError, TypeError, ValueError):  # it holds something else
        return False


def read_averaged(path: Path, model: str) -> dict[str, Any]:
    """A checkpoint to be averaged with others of `model`. VosbenchError as `read_state`, and for another model's."""
    state = read_state(path, "--average wants a whole checkpoint, last.pt or best.pt of a training's folder")
    if (other := state["config"]["model"]) != model:
        raise VosbenchError(f"weights of {model} and {other} have no mean", "average those of one model")
    return state


def mean_weights(states: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
    """The mean of the weights in checkpoints, of their averages where they have some; of counts the first."""
    first, *others = [state.get("average") or state["model"] for state in states]
    return {
        name: torch.stack([weights[name].double() for weights in (first, *others)]).mean(0).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in first.items()
    }


def _without_folders(value: Any) -> Any:
    """Settings in which a path is cut to its name: where it was on one machine means nothing on another."""
    if isinstance(value, Mapping):
        return {key: _without_folders(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(part) for part in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value
