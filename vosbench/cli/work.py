"""Verbs that compute with the model: run and train."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from vosbench.cli import options
from vosbench.cli.progress import RunProgress
from vosbench.errors import VosbenchError

Metric = Literal["l2", "dot", "cosine"]  # that of memory.attention, which would import torch


def run(
    dataset: options.DatasetName = "synthetic",
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", "-p", help="strategy to compare, repeatable: NAME, NAME:KEY=VALUE,… or FILE.py"),
    ] = None,
    model: Annotated[
        str, typer.Option(help="bundled weights, or the path of a .pth or .safetensors file")
    ] = "stcn-tiny",
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    top_k: Annotated[int, typer.Option(help="memory tokens that count for a query pixel")] = 20,
    affinity: Annotated[Metric, typer.Option(help="how keys are compared")] = "l2",
    size: Annotated[int | None, typer.Option(help="shorter side at inference, in pixels")] = None,
    protocol: options.Protocol = None,
    sequences: options.Sequences = None,
    limit: options.Limit = None,
    controls: Annotated[bool, typer.Option(help="score two controls too: first mask copied, nothing predicted")] = True,
    jobs: options.Jobs = 1,
    threads: Annotated[int | None, typer.Option(help="threads of the model on a CPU", min=1)] = None,
    out: Annotated[Path | None, typer.Option(help="run folder; default: one named after what it determines")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="reuse no finished sequence")] = False,
    json: options.Json = None,
) -> None:
    """Segment a data set under several memory strategies, score them, and print the comparison.

    Bare, it runs the paper's three strategies with the bundled weights on generated clips. A run that was stopped
    goes on where it was.
    """
    import torch  # takes seconds: only the verbs that need it pay

    from vosbench.plan import Plan
    from vosbench.report.rendering import render
    from vosbench.report.tables import leaderboard
    from vosbench.runner import execute
    from vosbench.suite import DEFAULT_POLICIES, Suite

    if threads is not None:
        torch.set_num_threads(threads)
    plan = Plan(
        Suite(
            dataset=dataset,
            root=root,
            split=split,
            frame_mode=frame_mode,
            policies=tuple(policy or DEFAULT_POLICIES),
            model=model,
            device=device,
            top_k=top_k,
            affinity=affinity,
            size=size,
            protocol=protocol,
            sequences=options.split_names(sequences),
            limit=limit,
            controls=controls,
            jobs=jobs,
        ),
        out,
    )
    progress = RunProgress(len(plan.tasks))
    try:
        records = execute(plan, progress, fresh)
    finally:
        progress.close()
    table = leaderboard(records)
    print(render(table))
    print(f"Records and masks are in {plan.folder}; see also: vosbench table, timing and plot {plan.folder}")
    options.write_json(json, {"caption": table.caption, "records": [record.to_json() for record in records]})


def train(
    config: Annotated[str, typer.Argument(help="a TOML file, or a name of `vosbench list configs`")],
    out: Annotated[Path, typer.Option(help="folder of checkpoints and curve; started again, it goes on there")],
    export: Annotated[
        Path | None,
        typer.Option(help="write the weights here when done (.safetensors, half precision): the best, if validated"),
    ] = None,
) -> None:
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
    settings = TrainConfig.read(config)
    with joined(settings.device) as process:
        trainer = Trainer(settings, out, process)
        trainer.run(
            lambda step, loss, iou: print(f"step {step}/{settings.steps}  loss {loss:.4f}  IoU {iou:.3f}", flush=True)
        )
        if export is not None and process.is_first:
            export_weights(trainer.best_or_last, export)
            print(f"weights are in {export}")


VERBS = {
    "run": (
        run,
        "vosbench run --dataset davis2017 --root DAVIS -p every-k -p lfu:capacity=2 --model stcn.pth",
    ),
    "train": (train, "vosbench train stcn-tiny --out .vosbench/training/tiny --export tiny.safetensors"),
}
