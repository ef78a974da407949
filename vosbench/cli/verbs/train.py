"""train: the shared model, on generated clips, static images and video."""

from pathlib import Path
from typing import Annotated

import typer

from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import VosbenchError


def train(
    config: Annotated[str, typer.Argument(help="a TOML file, or a name of `vosbench list configs`")],
    out: Annotated[Path, typer.Option(help="folder of checkpoints and curve; started again, it goes on there")],
    export: Annotated[
        Path | None,
        typer.Option(help="write the weights here when done (.safetensors, half precision): the best, if validated"),
    ] = None,
    average: Annotated[
        list[Path] | None,
        typer.Option(help="checkpoint (last.pt) of another part of the training; what is exported is the mean of all"),
    ] = None,
) -> Answer:
    """Train the shared model on generated clips, static images and video.

    OUT gets the last checkpoint (last.pt), the best one if the training validates (best.pt), and curve.csv. Several
    GPUs: torchrun --nproc-per-node N --no-python vosbench train …
    """
    from vosbench.training.config import TrainConfig
    from vosbench.training.distributed import joined
    from vosbench.training.export import export_weights
    from vosbench.training.train import Trainer

    if export is not None and export.suffix != ".safetensors":
        raise VosbenchError(f"cannot export to {export}", "name a .safetensors file")
    if average and export is None:
        raise VosbenchError("--average says what is exported, but nothing is", "give --export FILE.safetensors too")
    settings = TrainConfig.read(config)
    with joined(settings.device) as process:
        trainer = Trainer(settings, out, process)
        trainer.run(
            lambda step, loss, iou: print(f"step {step}/{settings.steps}  loss {loss:.4f}  IoU {iou:.3f}", flush=True)
        )
        if export is not None and process.is_first:
            export_weights(trainer.best_or_last, export, average or ())
            print(f"weights are in {export}")
    weights = None if export is None else str(export)
    return Answer({"config": settings}, {"checkpoint": str(trainer.best_or_last), "weights": weights})


VERB = Verb(train, "vosbench train stcn-tiny --out .vosbench/training/tiny --export tiny.safetensors")
