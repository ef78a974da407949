"""A training in one call: read the settings, train or go on, write the weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vosbench.base.atomic import check_writable
from vosbench.base.values import checked
from vosbench.errors import VosbenchError
from vosbench.training.config import TrainConfig
from vosbench.training.distributed import joined
from vosbench.training.export import export_weights, read_averaged
from vosbench.training.train import Progress, Trainer


@dataclass(frozen=True)
class Trained:
    """The settings of a training, its checkpoint (the best, if it validates, else the last), and the weights written
    (None: none were asked for).
    """

    config: TrainConfig
    checkpoint: Path
    weights: Path | None


@checked('vosbench.train("stcn-tiny", ".vosbench/training/mine", export="mine.safetensors")')
def train(
    config: TrainConfig | Path | str,
    folder: Path | str,
    export: Path | str | None = None,
    average: Sequence[Path | str] = (),
    progress: Progress | None = None,
) -> Trained:
    """Train the shared model in `folder`, which holds checkpoints and curve; what was begun there goes on.

    config: the settings, a TOML file, or a name of `shipped_configs`.
    export: the .safetensors file of the weights, in half precision. average: checkpoints of other parts of the
        training; what is exported is the mean of all.
    progress: told step, loss, intersection over union, clips per second, and J&F where it was validated (else None).

    Raises VosbenchError for whatever is wrong with the settings, the data or the checkpoints.
    """
    weights, folder = None if export is None else Path(export), Path(folder)
    if weights is not None and weights.suffix != ".safetensors":
        raise VosbenchError(f"cannot export to {weights}", "name a .safetensors file")
    if average and weights is None:
        raise VosbenchError("--average says what is exported, but nothing is", "give --export FILE.safetensors too")
    if weights is not None:
        check_writable(weights, "choose another place")
    settings = config if isinstance(config, TrainConfig) else TrainConfig.read(config)
    settings.check_gpu()
    for path in map(Path, average):
        read_averaged(path, settings.model)  # what has no mean shows before the training, not after it
    with joined(settings.device) as process:
        trainer = Trainer(settings, folder, process)
        trainer.run(progress)
        if weights is not None and process.is_first:
            export_weights(trainer.best_or_last, weights, [Path(path) for path in average])
    return Trained(settings, trainer.best_or_last, weights)
