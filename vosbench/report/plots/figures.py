"""Which figures the records of a run, or of a sweep of runs, allow, and how each is drawn."""

from collections.abc import Callable, Sequence
from functools import partial

from matplotlib.figure import Figure

from vosbench.bench.record import RunRecord
from vosbench.report.plots import capacity as capacity_plots
from vosbench.report.plots import cost as plots
from vosbench.report.plots import sweeps as sweep_plots
from vosbench.report.sweep import attribute_of

Draw = Callable[[], Figure]
MOST = 20  # strategies that a figure tells apart


def choose(records: Sequence[RunRecord], *others: Sequence[RunRecord]) -> tuple[dict[str, Draw], dict[str, str]]:
    """The figures that a run allows, by name, and of its other figures why they are left out.

    A run of more strategies than a figure can tell apart allows none. With `others` the runs are those of a sweep:
    one figure, of J&F against the attribute in which they differ. Raises VosbenchError if they differ in anything
    else.
    """
    if others:
        runs = (records, *others)
        draw = partial(sweep_plots.accuracy_against_attribute, runs)
        return {f"accuracy-against-{attribute_of(runs)[0]}": draw}, {}
    scores = any(record.scores for record in records if record.timings)
    sweep = capacity_plots.has_sweep(record.policy.spec for record in records)
    no_scores = "" if scores else "the run has no scores"
    no_times = "" if any(record.timings for record in records) else "no strategy was timed"
    no_memory = "" if any(record.memory for record in records) else "no strategy ran"
    no_sweep = no_scores or ("" if sweep else "no strategy was run at two capacities")
    known = {
        "accuracy-against-speed": (plots.accuracy_against_speed, no_scores),
        "accuracy-against-capacity": (capacity_plots.accuracy_against_capacity, no_sweep),
        "latency-against-frame": (plots.latency_against_frame, no_times),
        "memory-against-frame": (plots.memory_against_frame, no_memory),
    }
    strategies = len({record.policy.spec for record in records if record.policy.kind == "strategy"})
    if strategies > MOST:
        return {}, dict.fromkeys(known, f"{strategies} strategies cannot be told apart, choose up to {MOST} of them")
    found: dict[str, Draw] = {name: partial(draw, records) for name, (draw, lacking) in known.items() if not lacking}
    return found, {name: lacking for name, (_, lacking) in known.items() if lacking}
