"""train: the shared model, on generated clips, static images and video."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from vosbench.cli.options import output, require_new
from vosbench.cli.progress import time_left
from vosbench.cli.verbs import Answer, Verb


def train(
    config: Annotated[str, Argument(help="a TOML file, or a name of `vosbench list configs`")],
    out: Annotated[Path, output(help="folder of checkpoints and curve; a stopped training goes on", folder=True)],
    export: Annotated[
        Path | None, output(help="the weights in the end, .safetensors in half precision; if it validates the best")
    ] = None,
    average: Annotated[
        list[Path] | None, Option(help="a last.pt of another training, repeated: the mean of all is exported")
    ] = None,
    device: Annotated[str | None, Option(help="cpu or cuda; default: the configuration's")] = None,
    stop_at: Annotated[
        int | None,
        Option(
            min=1,
            metavar="STEP",
            help="end after this step, counted over all stages, while the learning rate follows the whole training; a "
            "later one goes on from there; default: the configuration's",
        ),
    ] = None,
    overwrite: Annotated[
        bool, Option("--overwrite", help="replace the file of --export, though this training did not write it")
    ] = False,
) -> Answer:
    """Train the shared model on generated clips, static images and video.

    OUT gets the last checkpoint (last.pt), the best one if the training validates (best.pt), and curve.csv; of a
    training in stages each stage has its checkpoints in a folder of its name. `vosbench plot OUT` draws the curves.
    Data for another machine: `vosbench pack`. Several GPUs: torchrun --nproc-per-node N --no-python vosbench train …
    """
    from vosbench.training.export import is_earlier_export
    from vosbench.training.precision import precision_on  # here, as below: torch takes seconds
    from vosbench.training.stages import ending_at, read_stages
    from vosbench.training.training import train as carry_out

    stages = read_stages(config)
    goes_on = any((out / stage.name / "last.pt").exists() for stage in stages)
    if not (export and goes_on and is_earlier_export(export, [stage.config for stage in stages])):
        require_new(export, overwrite, "--export")
    names = [stage.name for stage in stages]  # those after the last step too
    if stop_at is not None:
        stages = ending_at(stages, stop_at)
    if device is not None:
        stages = tuple(replace(stage, config=replace(stage.config, device=device)) for stage in stages)
        settings = stages[0].config
        print(f"on {device} in {precision_on(settings)} (precision is {settings.precision!r})")
    pixels = {stage.name: stage.config.batch * stage.config.size**2 for stage in stages}  # of a step
    ends = {stage.name: stage.config.end for stage in stages}
    total = sum(pixels[name] * end for name, end in ends.items())
    first: list[tuple[int, float]] = []  # the pixels that were behind when it was told first, and when

    def tell(step: int, loss: float, iou: float, speed: float, score: float | None, stage: str = "") -> None:
        now, place = time.monotonic(), names.index(stage)
        done = sum(pixels[name] * ends[name] for name in names[:place]) + pixels[stage] * step
        first.append((done, now))
        left = time_left(now - first[0][1], done - first[0][0], total - first[0][0])
        jf = "" if score is None else f"  J&F {score:.1f}"
        where = f"{stage} ({place + 1} of {len(names)}), " if stage else ""
        steps = f"{where}step {step}/{ends[stage]}"
        print(f"{steps}  loss {loss:.4f}  IoU {iou:.3f}  {speed:.2f} clips/s{jf}{left}", flush=True)

    trained = carry_out(stages, out, export, average or (), tell)
    weights = None if trained.weights is None else str(trained.weights)
    if weights is not None:
        print(f"weights are in {weights}")
    return Answer({"stages": stages}, {"checkpoint": str(trained.checkpoint), "weights": weights})


VERB = Verb(
    train,
    "vosbench train stcn-tiny --out .vosbench/training/tiny --export tiny.safetensors",
    again="it goes on from the last checkpoint",
)
