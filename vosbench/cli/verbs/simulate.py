"""simulate: strategies replayed over recorded keys, without a run."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vosbench.bench.record import RunRecord, read_run
from vosbench.cli import options
from vosbench.cli.progress import RunProgress
from vosbench.cli.verbs import Answer, Verb
from vosbench.datasets import Dataset, open_dataset
from vosbench.errors import VosbenchError
from vosbench.report.context import by_strategy, context
from vosbench.report.measures import pooled_jf
from vosbench.report.rendering import render
from vosbench.simulation.outcome import Outcome

if TYPE_CHECKING:
    from vosbench.models.base import Network
    from vosbench.models.checkpoint import Checkpoint
    from vosbench.simulation.study import Study

DEFAULT_POLICIES = ("lfu", "lru", "fifo")
TRACES = Path(".vosbench") / "traces"  # where recorded keys are kept


def simulate(
    dataset: options.DatasetName = "synthetic",
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    policy: Annotated[
        list[str] | None, typer.Option("--policy", "-p", help="strategies, comma-separated or repeated")
    ] = None,
    capacity: Annotated[
        str | None, typer.Option(help="each strategy at each of these capacities, in frames: 1..16, or 2,4,8")
    ] = None,
    reference: Annotated[str, typer.Option(help="the memory against which attention is measured")] = "every-k:k=5",
    model: Annotated[
        str, typer.Option(help="bundled weights, a .pth or .safetensors file, or a network in a .py file")
    ] = "stcn-tiny",
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    top_k: Annotated[
        int | None, typer.Option(help="memory tokens that count for a query pixel; default: the model's", min=1)
    ] = None,
    affinity: Annotated[options.Metric | None, typer.Option(help="how keys are compared; default: the model's")] = None,
    shorter_side: Annotated[int | None, typer.Option(help="of frames at inference, in pixels", min=16)] = None,
    sequences: options.Sequences = None,
    limit: options.Limit = None,
    jobs: options.ManyJobs = None,
    against: Annotated[
        Path | None, typer.Option(help="run folder: compare with its J&F; simulates its strategies by default")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="draw attention kept against capacity: .png, .svg or .pdf")] = None,
    occupancy: Annotated[
        Path | None, typer.Option(help="draw which frames are in memory as time goes on (1 strategy, 1 sequence)")
    ] = None,
    overlay: Annotated[
        Path | None, typer.Option(help="draw the tokens in memory on their frames (1 strategy, 1 sequence)")
    ] = None,
    at: Annotated[int | None, typer.Option(help="frame after which --overlay looks; default: the last")] = None,
    cache: Annotated[Path, typer.Option(help="where recorded keys are kept")] = TRACES,
) -> Answer:
    """Replay strategies over recorded keys: what they keep of the attention, and for how long. No masks, no J&F.

    Keys depend on the image only, so a strategy that looks at no mask holds exactly what it holds in a run. Attention
    kept is the share of the attention of an unbounded memory (--reference) that falls on tokens which are held.
    """
    from vosbench.memory.spec import PolicySpec
    from vosbench.models.checkpoint import read_checkpoint  # here, as below: torch and matplotlib take seconds
    from vosbench.report.drawing import style
    from vosbench.report.drawing.capacity import require_sweep
    from vosbench.report.simulated import attention, capacity_curves
    from vosbench.simulation.settings import settings
    from vosbench.simulation.study import Study

    run = () if against is None else read_run(against)
    named = options.split_specs(policy) or _strategies(run) or DEFAULT_POLICIES
    specs = tuple(map(str, settings(named, capacity)))
    study = Study(specs, str(PolicySpec.parse(reference)), model, top_k, affinity, device)
    for figure in filter(None, (plot, occupancy, overlay)):
        style.require_kind(figure)
    if plot is not None:
        require_sweep(study.specs)
    data = open_dataset(dataset, root, split, frame_mode=frame_mode).only(options.split_names(sequences), limit)
    names = data.sequence_names()
    watching = occupancy is not None or overlay is not None
    if watching and (len(study.specs) > 1 or len(names) > 1):
        raise VosbenchError(
            f"--occupancy and --overlay show 1 strategy on 1 sequence, not {len(study.specs)} on {len(names)}",
            f"e.g. --policy {study.specs[0]} --sequences {names[0]}",
        )
    checkpoint, network = read_checkpoint(model), study.network
    how = (
        top_k or network.spec.top_k,
        shorter_side or data.shorter_side or network.spec.shorter_side,
        network.affinity,
    )
    _require_same(run, study.specs, data, checkpoint.sha256, how)
    left_out = ", PARTIAL: sequences were left out" if data.is_partial else ""
    conditions = (
        f"{dataset} {data.split}, frames {data.frame_mode}; {options.count(len(names), 'sequence')}{left_out}; "
        f"simulated with the keys of {checkpoint.name} ({checkpoint.sha256[:8]}), {how[2]} affinity, top-{how[0]}"
        + ("" if shorter_side is None else f", shorter side {shorter_side}")
    )

    traces = _record(data, checkpoint, network, shorter_side, cache)
    outcomes, faults = _simulate(study, traces, jobs)
    if not outcomes:
        raise next(iter(faults.values()))
    for spec, fault in faults.items():
        print(f"{spec} is left out: {fault.message}\n  hint: {fault.hint}", file=sys.stderr)
    kept = {spec: attention.retained(group) for spec, group in attention.by_setting(outcomes).items()}
    table = attention.table(outcomes, f"{conditions}; attention against {reference}.")
    print(render(table), end="")
    result: dict[str, Any] = {**table.to_json(), "outcomes": outcomes}
    if run:
        jf = {spec: pooled_jf(group) for spec, group in by_strategy(run).items()}
        found = attention.agreement(kept, jf)
        print(f"\nSpearman's rho of attention kept and J&F: {found.rho:.3f}, over {found.strategies} strategies")
        result["against"] = {"run": str(against), "rho": found.rho, "strategies": found.strategies, "jf": jf}
    if plot is not None:
        style.save(capacity_curves.retained_against_capacity(kept, [conditions]), plot)
    if watching:
        _watch(study, data, traces[names[0]], at, occupancy, overlay, conditions)
    return Answer(
        options.conditions(
            data,
            model=checkpoint.name,
            weights=checkpoint.sha256,
            device=device,
            top_k=how[0],
            affinity=how[2],
            shorter_side=how[1],
            reference=reference,
        ),
        result,
    )


def _strategies(run: Sequence[RunRecord]) -> tuple[str, ...]:
    """The strategies of a run, without its controls."""
    return tuple(spec for spec, group in by_strategy(run).items() if group[0].policy.kind == "strategy")


def _require_same(
    run: Sequence[RunRecord],
    specs: Sequence[str],
    data: Dataset,
    weights: str,
    settings: tuple[int, int | None, str],
) -> None:
    """Refuse to compare with a run of other data, weights or settings, or of strategies that have changed since."""
    from vosbench.memory.spec import PolicySpec

    if not run:
        return
    common = context(run)
    theirs, ours = common.dataset, (data.name, data.split, data.frame_mode)
    pairs = {
        "data set": ((theirs.name, theirs.split, theirs.frame_mode), ours),
        "sequences": (sorted({record.sequence for record in run}), sorted(data.sequence_names())),
        "weights": (common.model.checkpoint_hash, weights),
        "top-k, shorter side and affinity": (
            (common.settings.top_k, common.settings.shorter_side, common.settings.affinity),
            settings,
        ),
    }
    for what, (then, now) in pairs.items():
        if then != now:
            raise VosbenchError(
                f"the run has another {what} than the simulation: {_shown(then)}, not {_shown(now)}",
                "give simulate the options that the run had",
            )
    for record in run:
        spec = record.policy.spec
        if spec in specs and PolicySpec.parse(spec).source_hash != record.policy.source_hash:
            raise VosbenchError(f"strategy {spec} has changed since the run", "run again, then simulate against that")


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _record(
    data: Dataset, checkpoint: "Checkpoint", network: "Network", shorter_side: int | None, cache: Path
) -> dict[str, Path]:
    """The file of each sequence's trace; those that are not there are recorded."""
    from vosbench.simulation.cache import keep

    names, traces = data.sequence_names(), {}
    progress = RunProgress(len(names))
    try:
        for name in names:
            traces[name] = keep(
                cache,
                network,
                checkpoint.sha256,
                data.sequence(name),
                data.fingerprint(name),
                shorter_side,
                partial(progress, "keys", name),
            )
    finally:
        progress.close()
    return traces


def _simulate(
    study: "Study", traces: dict[str, Path], jobs: int | None
) -> tuple[list[Outcome], dict[str, VosbenchError]]:
    """The outcomes in the order of settings and sequences, and the settings that failed, which have none."""
    from vosbench.simulation.study import Task, carry_out, plan

    tasks = plan(study, list(traces.values()), jobs)
    names = {trace: name for name, trace in traces.items()}
    faults: dict[str, VosbenchError] = {}
    outcomes: dict[tuple[int, int], Outcome] = {}
    progress = RunProgress(len(tasks))

    def follow(task: Task, done: int, total: int) -> None:
        if done < total:
            progress(_settings(task), names[task.trace], done, total)

    try:
        for task, found in carry_out(tasks, jobs, follow):
            for spec, outcome in found.items():
                if isinstance(outcome, VosbenchError):
                    faults.setdefault(spec, outcome)
                else:
                    outcomes[study.specs.index(spec), list(traces.values()).index(task.trace)] = outcome
            frames = max((len(o.tokens) for o in found.values() if isinstance(o, Outcome)), default=0)
            progress(_settings(task), names[task.trace], frames, frames)
    finally:
        progress.close()
    return [outcomes[key] for key in sorted(outcomes) if outcomes[key].spec not in faults], faults


def _settings(task: Any) -> str:
    return options.count(len(task.study.specs), "setting")


def _watch(
    study: "Study",
    data: Dataset,
    trace: Path,
    at: int | None,
    occupancy: Path | None,
    overlay: Path | None,
    conditions: str,
) -> None:
    """Draw what the one strategy holds of the one sequence."""
    from vosbench.memory.spec import load_policy
    from vosbench.report.drawing import style
    from vosbench.report.simulated import memory as memory_plots
    from vosbench.simulation.cache import load
    from vosbench.simulation.history import history

    keys, (spec,) = load(trace, study.device), study.specs
    seen = history(keys, spec, load_policy(spec), study.network, at, study.top_k)
    title = f"{spec} on {keys.name}"
    if occupancy is not None:
        drawn = memory_plots.occupancy(seen.kept, keys.geometry.tokens, [title, conditions])
        style.save(drawn, occupancy)
    if overlay is not None:
        frames = data.sequence(keys.name).frames
        kept = {frame: seen.mask(frame) for frame in range(len(frames)) if seen.places[frame].any()}
        pictures = {frame: frames[frame].load() for frame in kept}
        style.save(memory_plots.contact_sheet(pictures, kept, [f"{title}, after frame {seen.at}"]), overlay)


VERB = Verb(
    simulate,
    "vosbench simulate --dataset davis2017 --root DAVIS --policy lfu,lru,fifo --capacity 1..16 --plot curve.png",
)
