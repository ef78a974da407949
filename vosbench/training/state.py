"""The checkpoint of a training, as a file: {model, optimizer, schedule, scaler, best, step, config, average}."""

import json
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from math import inf, isclose, isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vosbench.base.atomic import replacing
from vosbench.errors import VosbenchError
from vosbench.models.stcn.network import CONFIGS, STCN, STCNConfig

PARTS = ("model", "optimizer", "schedule", "step", "config")
MOVING = ("scale", "_growth_tracker", "_step_count")  # what settings and step do not tell


def restart_hint(path: Path) -> str:
    """What to do where the checkpoint `path` of a training is damaged."""
    best, last = path.with_name("best.pt"), path.with_name("last.pt")
    if path == best and last.is_file():
        return f"remove it: {last} is exported, or the best sought anew where steps are left"
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
        told = f"{path} is not a readable checkpoint ({type(error).__name__})"
        raise VosbenchError(told, hint or restart_hint(path)) from None
    if not isinstance(state, dict) or not set(PARTS) <= set(state):
        raise VosbenchError(f"{path} is no checkpoint of a training", f"it must hold {', '.join(PARTS)}")
    config = state["config"]
    model = config.get("model") if isinstance(config, dict) else None
    if not isinstance(model, str) or model not in CONFIGS:
        told = f"{path} does not say of which model it is"
        raise VosbenchError(told, f"its config must have model: one of {', '.join(CONFIGS)}")
    if fault := _fault(state):
        raise VosbenchError(f"{path} is damaged: {fault}", hint or restart_hint(path))
    return state


def check_parts(path: Path, state: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    """Refuse a checkpoint whose optimizer, schedule or scaler is not what a training has at its step: all that settings
    and step fix is compared with its fresh `parts`, by name, of which optimizer and schedule are set to that step here.

    Raises VosbenchError, which names the part and the place in it.
    """
    step, fault = state["step"], ""
    with warnings.catch_warnings(action="ignore"):  # it was made to go step by step
        parts["schedule"].step(step)
    for name in ("schedule", "optimizer", "scaler"):
        wanted, found = parts[name].state_dict(), state.get(name, {})
        if name != "scaler" or found != {}:  # that is empty where precision is full
            fault = fault or _unlike(found, wanted, f"its {name}")
    fault = fault or _unlike_moments(state["optimizer"]["state"], parts["optimizer"], step, bool(state.get("scaler")))
    if fault:
        raise VosbenchError(f"{path} is damaged: {fault}", restart_hint(path))


def is_finite(part: Any) -> bool:
    """Whether no tensor in a tree of tables and lists has NaN or infinity."""
    if isinstance(part, Tensor):  # a norm tells it in one pass
        return not (part.is_floating_point() and part.numel()) or isfinite(torch.linalg.vector_norm(part, inf))
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
    if not isinstance(config.get("validation"), Mapping | None):
        return f"its config.validation is {_short(config['validation'])}, not a table"
    if not _is_number(best) or not (0 <= best <= 100 or best == -inf):
        return f"its best is {_short(best)}, not a J&F"
    networks = ["model", "average"] if config.get("average") or state.get("average") else ["model"]
    return next(filter(None, (_unlike_network(state.get(name), config["model"], name) for name in networks)), "")


def _unlike_network(found: object, model: str, name: str) -> str:
    if not isinstance(found, Mapping):
        return f"its {name} is {_short(found)}, not the tensors of a network"
    wanted = _forms(CONFIGS[model])
    forms = {str(key): _form(value) for key, value in found.items()}
    if unlike := [key for key in wanted.keys() | forms.keys() if wanted.get(key) != forms.get(key)]:
        return f"its {name} does not fit {model}: {len(unlike)} of its tensors lack or do not fit ({min(unlike)})"
    if wild := [key for key, value in found.items() if not is_finite(value)]:
        return f"its {name} is not finite: {len(wild)} of its tensors have NaN or infinity ({wild[0]})"
    return ""


@cache
def _forms(config: STCNConfig) -> Mapping[str, tuple[object, ...] | None]:
    """Those of the tensors of a network."""
    with torch.device("meta"):
        return {key: _form(value) for key, value in STCN(config).state_dict().items()}


def _unlike(found: Any, wanted: Any, where: str, moves: bool = False) -> str:
    """Where a tree of settings and numbers is not that of `wanted`, but for what moves in the course of a training.
    Flags and what is private to torch may lack, and flags be more: they change from version to version. An empty table
    may hold anything.
    """
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return f"{where} is {_short(found)}, not a table"
        needed = [key for key, value in wanted.items() if not _is_flag(value) and not str(key).startswith("_")]
        if lacking := [str(key) for key in needed if key not in found]:
            return f"{where} lacks {', '.join(lacking[:4])}"
        more = [key for key in found if key not in wanted]
        flags = [key for key in more if _is_flag(found[key]) and ("param_groups" in where or str(key)[:1] == "_")]
        if wanted and (more := [_short(key) for key in more if key not in flags]):
            return f"{where} has {', '.join(more[:4])}, which is no part of it"
        moving = {key for key in wanted if key in MOVING or (str(key)[:1] == "_" and isinstance(wanted[key], bool))}
        there = [key for key in wanted if key in found]
        inner = (_unlike(found[key], wanted[key], f"{where}.{key}", key in moving) for key in there)
        return next(filter(None, inner), "")
    if isinstance(wanted, list | tuple):
        if not isinstance(found, list | tuple) or len(found) != len(wanted):
            return f"{where} is {_short(found)}, not a list of {len(wanted)}"
        inner = (_unlike(found[at], one, f"{where}[{at}]") for at, one in enumerate(wanted))
        return next(filter(None, inner), "")
    if moves and _is_number(wanted):
        return "" if _is_number(found) and 0 <= found < inf else f"{where} is {_short(found)}, not a number from 0 on"
    near = isinstance(found, float) and _is_number(wanted) and isclose(found, wanted)
    alike = type(found) is type(wanted) or (_is_number(found) and _is_number(wanted))
    same = near or (alike and (found == wanted or moves))
    return "" if same else f"{where} is {_short(found)}, not {_short(wanted)}"


def _unlike_moments(found: Mapping[Any, Any], optimizer: torch.optim.Optimizer, step: int, skips: bool) -> str:
    """Where Adam's moments do not fit the parameters after `step` steps, of which a scaler skips some (`skips`)."""
    parameters: Sequence[Tensor] = [value for group in optimizer.param_groups for value in group["params"]]
    learning = {place for place, parameter in enumerate(parameters) if parameter.requires_grad}
    if step and (lacking := learning - found.keys()) and (found or not skips):
        return f"its optimizer.state lacks {len(lacking)} of {len(learning)} parameters after {step} steps"
    for place, moments in found.items():
        where = f"its optimizer.state[{_short(place)}]"
        if type(place) is not int or not 0 <= place < len(parameters):
            return f"{where} belongs to no parameter"
        if not isinstance(moments, Mapping):
            return f"{where} is {_short(moments)}, not a table"
        whole, most = parameters[place].shape, torch.finfo(torch.float32).max
        for name, shape, low, high in (
            ("step", torch.Size(), 1, step),
            ("exp_avg", whole, -most, most),
            ("exp_avg_sq", whole, 0, most),
        ):
            moment = moments.get(name)
            if not isinstance(moment, Tensor) or _form(moment) != (shape, torch.float32, torch.strided):
                return f"{where}.{name} is {_short(moment)}, not float32 of shape {list(shape)}"
            if not low <= moment.min() <= moment.max() <= high or (name == "step" and moment % 1):
                return f"{where}.{name} is none of Adam after {step} steps"
    return ""


def _form(value: object) -> tuple[object, ...] | None:
    """What must agree of two tensors beside their values; None: it is none."""
    return (value.shape, value.dtype, value.layout) if isinstance(value, Tensor) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_flag(value: object) -> bool:
    return value is None or isinstance(value, bool)


def _short(value: object) -> str:
    """A value in a few words."""
    if isinstance(value, Tensor):
        kind = [str(one).removeprefix("torch.") for one in (value.dtype, value.layout) if one is not torch.strided]
        return f"a tensor of shape {list(value.shape)} ({', '.join(kind)})"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
