"""What a training is determined by, read from TOML."""

import tomllib
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from vosbench.errors import VosbenchError, unknown


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

    @classmethod
    def read(cls, path: Path) -> "TrainConfig":
        """Raises VosbenchError for a missing file, broken TOML, an unknown key or a value of the wrong type."""
        try:
            table = tomllib.loads(path.read_text())
        except OSError as error:
            raise VosbenchError(f"cannot read {path}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise VosbenchError(f"{path} is not TOML: {error}") from None
        kinds = {f.name: type(f.default) for f in fields(cls)}
        for key, value in table.items():
            if key not in kinds:
                raise unknown(f"training setting in {path.name}", key, kinds)
            if type(value) is not kinds[key] and not (kinds[key] is float and type(value) is int):
                raise VosbenchError(f"{path}: {key} must be a {kinds[key].__name__}, not {value!r}")
        return cls(**table)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
