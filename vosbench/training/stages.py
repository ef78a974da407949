"""A training in stages: one configuration, in which each begins with the weights that the one before has led to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from vosbench.base.settings import find, read_toml
from vosbench.base.values import build
from vosbench.errors import VosbenchError, a_few, within
from vosbench.training.config import SHIPPED, TrainConfig, check_shared, parse
from vosbench.training.export import mean_weights
from vosbench.training.state import read_state


@dataclass(frozen=True)
class Stage:
    """A part of a training, which leads to the mean of its weights and those of the earlier stages `mean_with`."""

    config: TrainConfig
    name: str = ""
    mean_with: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What messages call it; "" where it is the whole training."""
        return f"stage {self.name} of the training" if self.name else ""


@dataclass(frozen=True)
class Place:
    """Where a stage stands in its training: its name and those of all; the checkpoints of earlier stages whose mean it
    begins from (none: from what its settings name).
    """

    name: str = ""
    names: tuple[str, ...] = ("",)
    start: tuple[Path, ...] = ()

    def read(self) -> tuple[str, dict[str, Tensor] | None]:
        """From what it begins, which stands in its checkpoints for `initial`, and the mean of those checkpoints: of
        their networks, or of the averages over them. "" and None: there are none.
        """
        if not self.start:
            return "", None
        states = [read_state(path) for path in self.start]
        parts = [
            f"{path.parent.name}/{path.name} at step {state['step']}"
            for path, state in zip(self.start, states, strict=True)
        ]
        return f"mean of {' and '.join(parts)}" if len(parts) > 1 else parts[0], mean_weights(states)


@dataclass(frozen=True)
class _Own:
    """What a `[[stages]]` table says beside settings."""

    name: str
    mean_with: tuple[str, ...] = ()


def read_stages(name: str | Path) -> tuple[Stage, ...]:
    """The training that ships under `name` (see `shipped_configs`), or that of a TOML file.

    Without `[[stages]]` tables it is one stage without a name. With them each is a stage: `name`, `mean_with`, and
    whatever settings differ from those above the tables. Raises VosbenchError for a file that is absent or no TOML, an
    unknown key, a value of the wrong type, and stages that cannot follow one another.
    """
    path = find(name, SHIPPED, "training configuration")
    table = read_toml(path, "steps = 8000")
    if "stages" not in table:
        return (Stage(parse(table, path.name)),)
    given = table.pop("stages")
    if not isinstance(given, list) or not given or not all(isinstance(one, dict) for one in given):
        raise VosbenchError(f"{path.name}: stages must be tables", "write [[stages]] above each stage")
    check_shared(table, path.name)
    return checked_stages([_stage(table, one, f"{path.name}, stage {number}") for number, one in enumerate(given, 1)])


def checked_stages(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The same. Raises VosbenchError for stages that cannot follow one another."""
    if not stages:
        raise VosbenchError("a training has no stage", "give one at least")
    before: list[str] = []
    for stage in stages:
        config = stage.config
        what: tuple[str, str] | None = None
        if not re.fullmatch(r"\w[\w-]{,59}", stage.name) and (stage.name or len(stages) > 1):
            what = f"{stage.name!r} is no name", "name it by at most 60 letters, digits, - and _: a folder is called so"
        elif stage.name in before:
            what = "an earlier stage has its name", "give each a name of its own"
        elif len(set(stage.mean_with)) < len(stage.mean_with):
            what = "mean_with names a stage twice", "name each once"
        elif unknown := [name for name in stage.mean_with if name not in before]:
            what = f"mean_with names {a_few(unknown)}", f"earlier stages are: {', '.join(before) or 'none'}"
        elif before and (named := [n for n in ("initial", "key_encoder", "value_encoder") if getattr(config, n)]):
            what = f"{named[0]} has no use", "it begins from the weights of the stage before: set it in the first alone"
        elif (config.model, config.device) != (stages[0].config.model, stages[0].config.device):
            what = "its model or device is not that of the first", "one network is trained, on one device"
        if what:
            raise VosbenchError(f"stage {stage.name or len(before) + 1} of the training: {what[0]}", what[1])
        before.append(stage.name)
    return tuple(stages)


def ending_at(stages: Sequence[Stage], step: int) -> tuple[Stage, ...]:
    """The stages up to `step`, counted over all of them. Raises VosbenchError for a step beyond the end."""
    left = step
    for number, stage in enumerate(stages, 1):
        longest = stage.config.steps if number == len(stages) else stage.config.end
        if left <= longest:
            return (*stages[: number - 1], replace(stage, config=replace(stage.config, stop_at=left)))
        left -= longest
    hint = "give an earlier step, or leave it out"
    raise VosbenchError(f"--stop-at {step} is beyond the last step, {step - left}", hint)


def _stage(common: dict[str, Any], own: dict[str, Any], where: str) -> Stage:
    settings = {key: value for key, value in own.items() if key not in ("name", "mean_with")}
    about = build(_Own, {key: value for key, value in own.items() if key not in settings}, where, "stages")
    with within(f"stage {about.name} of the training"):
        return Stage(parse(common | settings, where), about.name, about.mean_with)
