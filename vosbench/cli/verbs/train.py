"""train: the shared model, on generated clips, static images and video."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vosbench.cli.options import output
from vosbench.cli.progress import time_left
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import VosbenchError


def train(
    config: Annotated[str, typer.Argument(help="a TOML file, or a name of `vosbench list configs`")],
    out: Annotated[
        Path,
        output(
            "--out",
            help="folder of checkpoints and curve; a training that was stopped goes on from there",
            folder=True,
        ),
    ],
    export: Annotated[
        Path | None,
        output(
            "--export",
            help="write the weights here in the end (.safetensors, half precision): the best if the training validates",
        ),
    ] = None,
    average: Annotated[
        list[Path] | None,
        typer.Option(
            help="a checkpoint (last.pt) of another part of the training, repeated: the mean of all is exported"
        ),
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; default: the configuration's")] = None,
    stop_at: Annotated[
        int | None,
        typer.Option(
            "--stop-at",
            min=1,
            metavar="STEP",
            help="end after this step, while the learning rate follows the whole training; a later one goes on from "
            "there; default: the configuration's",
        ),
    ] = None,
) -> Answer:
    """Train the shared model on generated clips, static images and video.

    OUT gets the last checkpoint (last.pt), the best one if the training validates (best.pt), and curve.csv. Several
    GPUs: torchrun --nproc-per-node N --no-python vosbench train …
    """
    from vosbench.training.config import TrainConfig  # here, as below: torch takes seconds
    from vosbench.training.train import precision_on
    from vosbench.training.training import train as carry_out

    settings = TrainConfig.read(config)
    if stop_at is not None and stop_at > settings.steps:
        raise VosbenchError(
            f"--stop-at {stop_at} is beyond the last step, {settings.steps}", "give an earlier step, or leave it out"
        )
    if stop_at is not None:
        settings = replace(settings, stop_at=stop_at)
    if device is not None:
        settings = replace(settings, device=device)
        print(f"on {device} in {precision_on(settings)} (precision is {settings.precision!r})")
    first: list[tuple[int, float]] = []  # the step that was told first, and when

    def tell(step: int, loss: float, iou: float, speed: float, score: float | None) -> None:
        now = time.monotonic()
        first.append((step, now))
        left = time_left(now - first[0][1], step - first[0][0], settings.end - first[0][0])
        jf = "" if score is None else f"  J&F {score:.1f}"
        print(f"step {step}/{settings.end}  loss {loss:.4f}  IoU {iou:.3f}  {speed:.2f} clips/s{jf}{left}", flush=True)

    trained = carry_out(settings, out, export, average or (), tell)
    weights = None if trained.weights is None else str(trained.weights)
    if weights is not None:
        print(f"weights are in {weights}")
    return Answer({"config": settings}, {"checkpoint": str(trained.checkpoint), "weights": weights})


VERB = Verb(
    train,
    "vosbench train stcn-tiny --out .vosbench/training/tiny --export tiny.safetensors",
    again="it goes on from the last checkpoint",
)
