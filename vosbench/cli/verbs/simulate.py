"""simulate: strategies replayed over recorded keys, without a run."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from vosbench.cli import options
from vosbench.cli.progress import RunProgress
from vosbench.cli.records import save_figures, show
from vosbench.cli.verbs import Answer, Verb
from vosbench.datasets import open_dataset
from vosbench.errors import VosbenchError
from vosbench.memory import grammar
from vosbench.report.measures import accuracy_of
from vosbench.simulation.outcome import TRACES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vosbench.simulation.simulator import Simulator


def simulate(
    dataset: options.DatasetName = "synthetic",
    root: options.Root = None,
    split: options.Split = None,
    frame_mode: options.FrameMode = None,
    policies: Annotated[
        list[str] | None, options.strategies("strategies, separated by commas or repeated; default: lfu, lru and fifo")
    ] = None,
    capacity: Annotated[
        str | None, Option(help="each strategy at each of these capacities, in frames: 1..16, or 2,4,8")
    ] = None,
    reference: Annotated[str, Option(help="the memory against which attention is measured")] = "every-k:k=5",
    model: options.Model = "stcn-tiny",
    device: options.Device = "cpu",
    top_k: options.TopK = None,
    affinity: options.Affinity = None,
    shorter_side: options.ShorterSide = None,
    sequences: options.Sequences = None,
    exclude: options.Exclude = None,
    trust_masks: options.TrustMasks = None,
    limit: options.Limit = None,
    jobs: options.ManyJobs = None,
    threads: options.Threads = None,
    against: Annotated[
        Path | None, Option(help="a run folder: compare with its J&F; its strategies are the default of --policies")
    ] = None,
    plot: Annotated[Path | None, options.output(help="draw attention kept against capacity: .png, .svg, .pdf")] = None,
    occupancy: Annotated[
        Path | None, options.output(help="draw which frames are in memory as time goes on (1 strategy, 1 sequence)")
    ] = None,
    overlay: Annotated[
        Path | None, options.output(help="draw the tokens in memory on their frames (1 strategy, 1 sequence)")
    ] = None,
    at: Annotated[int | None, Option(help="frame after which --overlay looks; default: the last")] = None,
    cache: Annotated[Path, options.output(help="where recorded keys are kept", folder=True)] = TRACES,
) -> Answer:
    """Replay strategies over recorded keys: what they keep of the attention, and for how long. No masks, no J&F.

    Keys depend on the image only, so a strategy that looks at no mask holds exactly what it holds in a run. Attention
    kept is the share of the attention of an unbounded memory (--reference) that falls on tokens which are held.
    """
    from vosbench.bench.plan import policy_info  # here, as below: torch and matplotlib take seconds
    from vosbench.memory.spec import PolicySpec
    from vosbench.models.checkpoint import check_device
    from vosbench.report.drawing import style
    from vosbench.report.drawing.capacity import require_sweep, sweeps
    from vosbench.report.simulated import against as comparing
    from vosbench.report.simulated import attention, figures
    from vosbench.simulation.simulator import DEFAULT_POLICIES, Simulator
    from vosbench.simulation.study import Study, settings

    run = () if against is None else comparing.read(against)
    named = policies or comparing.strategies(run) or DEFAULT_POLICIES
    study = Study(tuple(map(str, settings(named, capacity))), reference, model, top_k, affinity, device, threads)
    for figure in filter(None, (plot, occupancy, overlay)):
        style.require_kind(figure)
    entries = [policy_info(PolicySpec.parse(spec), place) for place, spec in enumerate(study.specs)]
    curves = sweeps(entries)
    if plot is not None:
        require_sweep(curves, [entry.label for entry in entries])
    check_device(device)  # before clips are made
    data = open_dataset(dataset, root, split, frame_mode=frame_mode, trust_masks=bool(trust_masks))
    data = data.only(sequences, limit, exclude)
    names = data.sequence_names()
    watching = occupancy is not None or overlay is not None
    if watching and (len(study.specs) > 1 or len(names) > 1):
        what = f"--occupancy and --overlay show 1 strategy on 1 sequence, not {len(study.specs)} on {len(names)}"
        raise VosbenchError(what, f"e.g. --policies {study.specs[0]} --sequences {names[0]}")
    simulator = Simulator(data, study, shorter_side, cache)
    if run:
        comparing.require_same(run, simulator.conditions, data)
        comparing.require_enough([entry.label for entry in entries if entry.label in comparing.jf_by_strategy(run)])
    with RunProgress(len(names)) as progress:
        traces = simulator.record(progress)
    for name, fault in simulator.faulty.items():
        print(f"vosbench: faulty: {name}: {fault.message}: {fault.hint}", file=sys.stderr)
    conditions = simulator.conditions
    with RunProgress(simulator.parts(jobs)) as progress:
        found = simulator.replay(traces, jobs, progress)
    left_out: dict[tuple[str, str], list[str]] = {}
    for spec, fault in found.faults.items():
        left_out.setdefault((fault.message, fault.hint), []).append(spec)
    for (message, hint), specs in left_out.items():
        are = "is" if len(specs) == 1 else "are"
        print(f"{', '.join(specs)} {are} left out: {message}\n  hint: {hint}", file=sys.stderr)
    kinds = {entry.label: entry.kind for entry in entries}
    table = attention.table(found.outcomes, f"{conditions.text}; attention against {study.reference}.", kinds)
    show([table])
    result: dict[str, Any] = {**table.to_json(), "outcomes": found.outcomes}
    kept = {row["strategy"]: row["retained"] for row in table.rows}
    if run:
        jf = comparing.jf_by_strategy(run)
        agreed = comparing.agreement(kept, jf)
        name = accuracy_of(run)
        print(f"\nSpearman's rho of attention kept and {name}: {agreed.rho:.3f}, over {agreed.strategies} strategies")
        result["against"] = {"run": str(against), **asdict(agreed), "jf": jf}
    if plot is not None:
        save_figures({plot: figures.retained_against_capacity(kept, curves, [conditions.text])}, overwrite=True)
    if watching:
        _watch(simulator, traces, at, occupancy, overlay)
    status = 2 if found.faulty else 0
    return Answer({**asdict(conditions), "sequences": len(conditions.sequences)}, result, status)


def _watch(
    simulator: "Simulator", traces: Mapping[str, Path], at: int | None, occupancy: Path | None, overlay: Path | None
) -> None:
    """Draw what the one strategy holds of the one sequence."""
    from vosbench.report.simulated import figures

    seen, (name,), (spec,) = simulator.watch(traces, at), traces, simulator.study.specs
    title, drawn = f"{grammar.title(spec)} on {name}", dict[Path, "Figure"]()
    if occupancy is not None:
        conditions = [title, simulator.conditions.text]
        drawn[occupancy] = figures.occupancy(seen.kept, seen.geometry.tokens, conditions)
    if overlay is not None:
        frames = simulator.dataset.sequence(name).frames
        kept = {frame: seen.mask(frame) for frame in range(len(frames)) if seen.places[frame].any()}
        pictures = {frame: frames[frame].load() for frame in kept}
        drawn[overlay] = figures.contact_sheet(pictures, kept, [f"{title}, after frame {seen.at}"])
    save_figures(drawn, overwrite=True)


VERB = Verb(
    simulate,
    "vosbench simulate --dataset davis2017 --root DAVIS --policies lfu,lru,fifo --capacity 1..16 --plot curve.png",
    again="recorded keys are kept",
)
