"""What a training is determined by, read from TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from vosbench.errors import VosbenchError, unknown
from vosbench.models.stcn import CONFIGS, STRIDE

LEAST = {
    "size": 32,
    "batch": 1,
    "steps": 2,
    "seed": 0,
    "max_gap": 2,
    "bootstrap_start": 0,
    "workers": 0,
    "threads": 1,
    "checkpoint_every": 1,
    "log_every": 1,
}
INCIDENTAL = {"workers", "threads", "device", "checkpoint_every", "log_every"}  # do not determine the weights


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training run; every field may stand in the TOML file, under its own name.

    Steps are optimiser steps; sizes are pixels; `max_gap` is the longest distance in frames between two of the
    three frames of a clip; `photos` is a folder of JPEGs that joins the textures.
    """

    model: str = "stcn-tiny"
    size: int = 160
    batch: int = 4
    steps: int = 8000
    seed: int = 0
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    warmup: float = 0.1  # share of the steps in which the learning rate rises
    gradient_norm: float = 1.0
    bootstrap_start: int = 800
    bootstrap_end: int = 5000
    max_gap: int = 12
    photos: str = ""
    initial: str = ""  # weights to start from; empty: random
    workers: int = 1
    threads: int = 2
    device: str = "cpu"
    checkpoint_every: int = 200
    log_every: int = 20

    def __post_init__(self) -> None:
        if self.model not in CONFIGS:
            raise unknown("model", self.model, CONFIGS)
        wrong = [f"{name} must be at least {least}" for name, least in LEAST.items() if getattr(self, name) < least]
        if self.size % STRIDE:
            wrong.append(f"size must be a multiple of {STRIDE}")
        if self.bootstrap_end <= self.bootstrap_start:
            wrong.append("bootstrap_end must come after bootstrap_start")
        if not 0 < self.warmup < 1:
            wrong.append("warmup must lie between 0 and 1")
        if wrong:
            raise VosbenchError(f"bad training settings: {'; '.join(wrong)}", "correct them in the TOML file")

    def check_same_training(self, other: Mapping[str, object], checkpoint: Path) -> None:
        """Refuse to go on from the checkpoint of a training that had other settings."""
        changed = [k for k, v in self.as_dict().items() if k not in INCIDENTAL and k in other and other[k] != v]
        if changed:
            what = ", ".join(f"{k} was {other[k]}, is {getattr(self, k)}" for k in changed)
            raise VosbenchError(f"{checkpoint} is of another training: {what}", "choose an empty folder")

    @classmethod
    def read(cls, path: Path) -> "TrainConfig":
        """Raises VosbenchError for a missing file, broken TOML, an unknown key or a value of the wrong type."""
        try:
            table = tomllib.loads(path.read_text())
        except OSError as error:
            raise VosbenchError(f"cannot read {path}: {error.strerror}", "name a TOML file") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise VosbenchError(f"{path} is not TOML: {error}", "write lines like steps = 8000") from None
        kinds = {f.name: type(f.default) for f in fields(cls)}
        for key, value in table.items():
            if key not in kinds:
                raise unknown(f"training setting in {path.name}", key, kinds)
            if type(value) is not kinds[key] and not (kinds[key] is float and type(value) is int):
                raise VosbenchError(
                    f"{path}: {key} must be of type {kinds[key].__name__}, not {value!r}",
                    f"it is {getattr(cls, key)!r} by default",
                )
        return cls(**table)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
