"""The checkpoint of a training, as a file: {model, optimizer, schedule, scaler, best, step, config, average}."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite, isnan
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vosbench.base.atomic import replacing
from vosbench.errors import VosbenchError
from vosbench.models.stcn.network import CONFIGS, STCN

PARTS = ("model", "optimizer", "schedule", "step", "config")
MOVING = ("lr", "betas", "last_epoch", "scale")  # what schedule and scaler change; all else a training's settings fix


def restart_hint(path: Path) -> str:
    """What to do where the checkpoint `path` from which a training is to go on is damaged."""
    best = path.with_name("best.pt")
    if path != best and best.is_file():
        return f"copy {best} to {path}: the training goes on from that; or train again into an empty folder"
    return "train again into an empty folder"


def read_state(path: Path, hint: str = "") -> dict[str, Any]:
    """On the CPU. Raises VosbenchError if the file cannot be read, is no checkpoint of a training, or a part of it is
    not what a training writes: see `check_parts` for those that only a training can judge.

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
    config = state["config"]
    model = config.get("model") if isinstance(config, dict) else None
    if not isinstance(model, str) or model not in CONFIGS:
        raise VosbenchError(
            f"{path} does not say of which model it is", f"its config must have model: one of {', '.join(CONFIGS)}"
        )
    if fault := _fault(state):
        raise VosbenchError(f"{path} is damaged: {fault}", hint or restart_hint(path))
    return state


def check_parts(path: Path, state: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    """Refuse a checkpoint whose optimizer, schedule or scaler is not one of those of a training, its `parts` by name.

    Raises VosbenchError, which names the part and the place in it.
    """
    step, fault = state["step"], ""
    for name in ("optimizer", "schedule", "scaler"):
        wanted, found = parts[name].state_dict(), state.get(name, {})
        if name != "scaler" or found != {}:  # that is empty where precision is full
            fault = fault or _unlike(found, wanted, f"its {name}")
    if not fault and state["schedule"]["last_epoch"] != step:
        fault = f"its schedule is at step {state['schedule']['last_epoch']}, and its step is {step}"
    fault = fault or _unlike_moments(state["optimizer"]["state"], parts["optimizer"], step)
    if fault:
        raise VosbenchError(f"{path} is damaged: {fault}", restart_hint(path))


def is_finite(part: Any) -> bool:
    """Whether no tensor in a tree of tables and lists has NaN or infinity."""
    if isinstance(part, Tensor):
        return not part.is_floating_point() or bool(part.isfinite().all())
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list | tuple) else ()
    return all(map(is_finite, inner))


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Raises VosbenchError if it cannot be written, for want of space, say; what was there before stays."""
    hint = "free space and start again: the training goes on from the last checkpoint that was written"
    with replacing(path, "checkpoint", hint) as part, part.open("wb") as file:
        try:
            torch.save(state, file)  # to a file of Python's, whose errors say why; torch's own writer aborts
        except RuntimeError as error:  # torch's complaint may cover it
            cause = error.__context__
            raise cause if isinstance(cause, OSError) else OSError(str(error).partition("\n")[0]) from None


def _fault(state: Mapping[str, Any]) -> str:
    """What is wrong with the parts of a checkpoint that it alone tells, in a few words; nothing: ""."""
    config, step, best = state["config"], state["step"], state.get("best", 0.0)
    try:
        json.dumps(config)
    except (TypeError, ValueError, RecursionError):
        return "its config holds what is no setting"
    if not isinstance(step, int) or isinstance(step, bool) or step < 0:
        return f"its step is {_short(step)}, not a whole number from 0 on"
    if not _is_number(best) or isnan(best):
        return f"its best is {_short(best)}, not a J&F"
    networks = ["model", "average"] if config.get("average") or state.get("average") else ["model"]
    return next(filter(None, (_unlike_network(state.get(name), config["model"], name) for name in networks)), "")


def _unlike_network(found: object, model: str, name: str) -> str:
    if not isinstance(found, Mapping):
        return f"its {name} is {_short(found)}, not the tensors of a network"
    with torch.device("meta"):
        wanted = {key: _form(value) for key, value in STCN(CONFIGS[model]).state_dict().items()}
    forms = {str(key): _form(value) for key, value in found.items()}
    if unlike := [key for key in wanted.keys() | forms.keys() if wanted.get(key) != forms.get(key)]:
        return f"its {name} does not fit {model}: {len(unlike)} of its tensors lack or do not fit ({min(unlike)})"
    if wild := [key for key, value in found.items() if not is_finite(value)]:
        return f"its {name} is not finite: {len(wild)} of its tensors have NaN or infinity ({wild[0]})"
    return ""


def _unlike(found: Any, wanted: Any, where: str, moves: bool = False) -> str:
    """Where a tree of settings and numbers is not that of `wanted`, but for what moves in the course of a training.
    Flags and what is private to torch may lack: they change from version to version.
    """
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return f"{where} is {_short(found)}, not a table"
        optional = {key for key, value in wanted.items() if value is None or isinstance(value, bool)}
        needed = [key for key in wanted if key not in optional and not str(key).startswith("_")]
        if lacking := [str(key) for key in needed if key not in found]:
            return f"{where} lacks {', '.join(lacking[:4])}"
        parts = [(key, found[key], value, f"{where}.{key}") for key, value in wanted.items() if key in found]
    elif isinstance(wanted, list | tuple):
        if not isinstance(found, list | tuple) or len(found) != len(wanted):
            return f"{where} is {_short(found)}, not a list of {len(wanted)}"
        parts = [("", one, value, f"{where}[{at}]") for at, (one, value) in enumerate(zip(found, wanted, strict=True))]
    elif moves and _is_number(wanted):
        return "" if _is_number(found) and isfinite(found) else f"{where} is {_short(found)}, not a number"
    else:
        same = type(found) is type(wanted) or (_is_number(found) and _is_number(wanted))
        return (
            ""
            if same and (found == wanted or (moves and isinstance(wanted, bool)))
            else f"{where} is {_short(found)}, not {_short(wanted)}"
        )
    inner = (
        _unlike(one, value, at, moves or str(key) in MOVING or str(key)[:1] == "_") for key, one, value, at in parts
    )
    return next(filter(None, inner), "")


def _unlike_moments(found: Mapping[Any, Any], optimizer: torch.optim.Optimizer, step: int) -> str:
    """Where the moments of Adam, by the number of the parameter, do not fit the parameters."""
    parameters: Sequence[Tensor] = [value for group in optimizer.param_groups for value in group["params"]]
    if step and not found:
        return f"its optimizer.state is empty after {step} steps"
    for place, moments in found.items():
        where = f"its optimizer.state[{_short(place)}]"
        if type(place) is not int or not 0 <= place < len(parameters):
            return f"{where} belongs to no parameter"
        if not isinstance(moments, Mapping):
            return f"{where} is {_short(moments)}, not a table"
        whole = parameters[place].shape
        for name, shape in (("step", ()), ("exp_avg", whole), ("exp_avg_sq", whole)):
            moment = moments.get(name)
            if not isinstance(moment, Tensor) or moment.shape != shape or not moment.is_floating_point():
                return f"{where}.{name} is {_short(moment)}, not of shape {list(shape)}"
    return ""


def _form(value: object) -> tuple[object, ...] | None:
    """What must agree of two tensors beside their values; None: it is none."""
    return (value.shape, value.dtype, value.layout) if isinstance(value, Tensor) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: object) -> str:
    """A value in a few words."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {list(value.shape)}"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
