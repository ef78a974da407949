"""Which figures the records of a run allow, and how each is drawn."""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from vosbench.report import capacity_plots, plots
from vosbench.report.records import RunRecord

Draw = Callable[[Sequence[RunRecord]], Figure]


def choose(records: Sequence[RunRecord]) -> tuple[dict[str, Draw], dict[str, str]]:
    """The figures that `records` allow, by name, and of the others why they are left out."""
    scores = any(record.scores for record in records if record.timings)
    sweep = capacity_plots.has_sweep(record.policy.spec for record in records)
    no_scores = "" if scores else "the run has no scores"
    no_times = "" if any(record.timings for record in records) else "no strategy was timed"
    no_memory = "" if any(record.memory for record in records) else "no strategy ran"
    known: dict[str, tuple[Draw, str]] = {
        "accuracy-against-speed": (plots.accuracy_against_speed, no_scores),
        "accuracy-against-capacity": (
            capacity_plots.accuracy_against_capacity,
            no_scores or ("" if sweep else "no strategy was run at two capacities"),
        ),
        "latency-against-frame": (plots.latency_against_frame, no_times),
        "memory-against-frame": (plots.memory_against_frame, no_memory),
    }
    found = {name: draw for name, (draw, lacking) in known.items() if not lacking}
    return found, {name: lacking for name, (_, lacking) in known.items() if lacking}
