"""Is one slower than the other? Times of two entrants, pass by pass, on a machine that may be busy with other work.

A pass is a strategy once through a sequence. It costs the time of its frames / the time of the reference operation
that ran between them, so that what slows the whole machine cancels; on a CPU both are CPU time, so that waiting for
a core does not count. Passes over one sequence are paired in their order, and each pair is one observation.
"""

from dataclasses import dataclass
from math import fsum

import numpy as np

from vosbench.base.words import too_few
from vosbench.bench.record import Timing
from vosbench.report.context import Records

MIN_PASSES = 5  # below, no order of ranks is rarer than one in twenty


@dataclass(frozen=True)
class Speed:
    """How much longer the entrant takes: `ratio` is the Hodges-Lehmann estimate over `passes` pairs of passes.

    `low` and `high` are its 95% interval by Walsh averages; `p` is that of the one-sided signed-rank test that the
    entrant takes longer. All are NaN without a pair. `referenced` is whether all passes have the reference operation.
    """

    ratio: float
    low: float
    high: float
    p: float
    passes: int
    referenced: bool

    def is_slower(self, tolerance: float) -> bool:
        """Whether it takes longer by more than `tolerance`, a ratio, and that is no chance."""
        return self.doubt(None) is None and self.ratio > tolerance and self.p < 0.05

    def doubt(self, tolerance: float | None) -> str | None:
        """Why the times cannot tell whether `tolerance` is kept, if so; with None, why they can tell nothing."""
        if self.passes < MIN_PASSES:
            return f"{too_few(self.passes, 'pass')}, {MIN_PASSES} (sequences x repeats) are needed"
        if not self.referenced:
            return "no reference operation was timed beside all frames"
        if tolerance is not None and np.sqrt(self.high / self.low) > tolerance:
            return f"the machine was too noisy: the ratio lies between {self.low:.2f} and {self.high:.2f}"
        return None


def speed(baseline: Records, entrant: Records) -> Speed:
    """Compare the times of two sets of records of one strategy each; sequences that only one has do not count."""
    from scipy.stats import wilcoxon  # here: every verb would wait most of a second for it

    theirs = {record.sequence: record.timings for record in entrant}
    pairs = [
        pair
        for record in baseline
        for pair in zip(record.timings, theirs.get(record.sequence, ()), strict=False)  # as many as both have
    ]
    if not pairs:
        return Speed(np.nan, np.nan, np.nan, np.nan, 0, False)
    timings = [timing for pair in pairs for timing in pair]
    on_cpu = all(timing.cpu_ms for timing in timings)
    alike = on_cpu or not any(timing.cpu_ms for timing in timings)
    referenced = alike and all(timing.reference_ms for timing in timings)
    logs = np.array([_cost(new, on_cpu, referenced) - _cost(old, on_cpu, referenced) for old, new in pairs])
    count = len(logs)
    walsh = np.sort(np.add.outer(logs, logs)[np.triu_indices(count)] / 2)
    spread = np.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    edge = max(int(count * (count + 1) / 4 - 1.96 * spread) - 1, 0)
    low, middle, high = np.exp([walsh[edge], np.median(walsh), walsh[-1 - edge]])
    p = wilcoxon(logs, alternative="greater").pvalue if logs.any() else 1.0
    return Speed(float(middle), float(low), float(high), float(p), count, referenced)


def _cost(timing: Timing, on_cpu: bool, referenced: bool) -> float:
    """Logarithm of what a pass costs, in reference operations or, without them, milliseconds."""
    milliseconds = fsum(timing.cpu_ms if on_cpu else timing.latency_ms)
    return float(np.log(milliseconds / (fsum(timing.reference_ms) if referenced else 1)))
