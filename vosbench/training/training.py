"""A training in one call: read the settings, train or go on, stage by stage, write the weights."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from vosbench.base.atomic import check_writable
from vosbench.base.values import checked
from vosbench.errors import VosbenchError, within
from vosbench.models.stcn.network import CONFIGS, STCN
from vosbench.training.config import TrainConfig
from vosbench.training.distributed import Process, joined
from vosbench.training.export import export_weights, read_averaged
from vosbench.training.files import needed, require_files
from vosbench.training.freezing import freeze, freeze_batch_norm
from vosbench.training.mixture import Mixture
from vosbench.training.precision import check_gpu
from vosbench.training.stages import Place, Stage, checked_stages, read_stages
from vosbench.training.train import Progress, Trainer
from vosbench.training.validate import Validation


@dataclass(frozen=True)
class Trained:
    """The stages, the checkpoint of the last (the best, if it validates), and the weights, if they were asked for."""

    stages: tuple[Stage, ...]
    checkpoint: Path
    weights: Path | None


@checked('vosbench.train("stcn-tiny", ".vosbench/training/mine", export="mine.safetensors")')
def train(
    config: TrainConfig | tuple[Stage, ...] | Path | str,
    folder: Path | str,
    export: Path | str | None = None,
    average: Sequence[Path | str] = (),
    progress: Progress | None = None,
) -> Trained:
    """Train the shared model in `folder`, which holds checkpoints and curve; what was begun there goes on.

    config: the settings, stages of a training, a TOML file, or a name of `shipped_configs`. Of several stages each has
        a folder of its name in `folder`, and begins with the mean of what the one before has led to (its best
        checkpoint, if it validates, else its last) and what those in `mean_with` have.
    export: the .safetensors file of the weights, in half precision; of several stages the same mean of the last.
    average: checkpoints of other trainings; what is exported is the mean of all.
    progress: told step, loss, intersection over union, clips per second, J&F where it was validated (else None), and
        the name of the stage.

    Raises VosbenchError for whatever is wrong with the settings, the data or the checkpoints.
    """
    weights, folder = None if export is None else Path(export), Path(folder)
    if (folder / "records").is_dir():
        raise VosbenchError(f"{folder} is the folder of a run", "choose another for the training: --out FOLDER")
    if weights is not None and weights.suffix != ".safetensors":
        raise VosbenchError(f"cannot export to {weights}", "name a .safetensors file")
    if average and weights is None:
        raise VosbenchError("--average says what is exported, but nothing is", "give --export FILE.safetensors too")
    if weights is not None:
        check_writable(weights, "choose another place")
    if isinstance(config, TrainConfig):
        stages: tuple[Stage, ...] = (Stage(config),)
    else:
        stages = checked_stages(config) if isinstance(config, tuple) else read_stages(config)
    for stage in stages:
        check_gpu(stage.config)
    for path in map(Path, average):
        read_averaged(path, stages[0].config.model)  # what has no mean shows before the training, not after it
    with joined(stages[0].config.device) as process:
        checkpoint, *others = _carry_out(stages, folder, process, progress)
        if weights is not None and process.is_first:
            export_weights(checkpoint, weights, [*others, *map(Path, average)])
    return Trained(stages, checkpoint, weights)


def _carry_out(stages: Sequence[Stage], folder: Path, process: Process, progress: Progress | None) -> tuple[Path, ...]:
    """The checkpoints to whose mean the stages lead, that of the last first."""
    begun = {stage.name: (folder / stage.name / "last.pt").exists() for stage in stages}
    ahead = [needed(stage.config, weights=stage is stages[0]) for stage in stages if not begun[stage.name]]
    require_files(chain.from_iterable(ahead))  # what lacks for a late one shows now
    _try_out([stage for stage in stages[1:] if not begun[stage.name]])
    ends: dict[str, Path] = {}
    found: tuple[Path, ...] = ()
    for number, stage in enumerate(stages):
        place = Place(stage.name, tuple(one.name for one in stages), found)
        with within(stage.title):
            trainer = Trainer(stage.config, folder / stage.name, process, place)
        later = [one.name for one in stages[number + 1 :] if begun[one.name]]
        if later and trainer.step < stage.config.end:
            raise VosbenchError(
                f"stage {later[0]} in {folder} has begun, but {stage.name} is at step {trainer.step} of "
                f"{stage.config.end}",
                f"remove the folder {folder / later[0]}, or choose an empty one for the training",
            )
        with within(stage.title):
            trainer.run(progress)
        ends[stage.name] = trainer.best_or_last
        found = (ends[stage.name], *(ends[name] for name in stage.mean_with))
        del trainer  # before the next takes as much memory
    return found


def _try_out(late: Sequence[Stage]) -> None:
    """Open what later stages are trained on and validated by. VosbenchError for what is wrong."""
    sound: list[Any] = []
    for stage in late:
        data, validation = (stage.config.data, stage.config.photos), stage.config.validation
        with within(stage.title), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they come when the stage begins
            with torch.device("meta"):
                network = STCN(CONFIGS[stage.config.model])
            freeze(network, stage.config.frozen)
            freeze_batch_norm(network, stage.config.frozen_batch_norm)
            if data not in sound:
                Mixture.open(stage.config)
            if validation and validation not in sound:
                Validation(validation)
        sound += [data, validation]
