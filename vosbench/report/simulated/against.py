"""A simulation beside a run of the same strategies: does the attention that they keep foretell their accuracy?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from vosbench.base.words import count
from vosbench.bench.record import read_run
from vosbench.datasets import Dataset
from vosbench.errors import VosbenchError
from vosbench.report.context import Records, by_strategy, context, require_own_files
from vosbench.report.measures import pooled_jf
from vosbench.simulation.outcome import Conditions

MIN_STRATEGIES = 3  # for a rank correlation that says anything


def read(folder: Path) -> Records:
    """The records of a run. Raises VosbenchError as `read_run`, and for masks that no run made."""
    run = read_run(folder)
    if any(record.model is None for record in run):
        raise VosbenchError("no run made the masks that were scored", "give --against the folder of a run")
    return run


def strategies(run: Records) -> tuple[str, ...]:
    """The strategies of a run with their labels, without its controls."""
    return tuple(dict.fromkeys(record.policy.text for record in run if record.policy.kind != "control"))


def require_enough(both: Sequence[str]) -> None:
    """Refuse fewer strategies than a rank correlation needs, with VosbenchError."""
    if len(both) < MIN_STRATEGIES:
        message = f"too few for a rank correlation: {count(len(both), 'strategy')} with both attention kept and J&F"
        raise VosbenchError(message, f"simulate {MIN_STRATEGIES} or more strategies of the run")


def require_same(run: Records, simulated: Conditions, data: Dataset) -> None:
    """Raises VosbenchError for a run of other data, files, weights or settings, or of strategies changed since."""
    common = context(run)
    then, model, settings = common.dataset, common.model, common.settings
    assert model is not None  # see `read`
    assert settings is not None
    which, how = attrgetter("dataset", "split", "frame_mode"), attrgetter("top_k", "shorter_side", "affinity")
    pairs = {
        "data set": ((then.name, then.split, then.frame_mode), which(simulated)),
        "sequences": (sorted({record.sequence for record in run}), sorted(simulated.sequences)),
        "weights": (model.checkpoint_hash, simulated.checkpoint_hash),
        "top-k, shorter side and affinity": (how(settings), how(simulated)),
    }
    for what, (theirs, ours) in pairs.items():
        if theirs != ours:
            message = f"the run has another {what} than the simulation: {_shown(theirs)}, not {_shown(ours)}"
            raise VosbenchError(message, "give simulate the options that the run had")
    for record in {record.sequence: record for record in run}.values():
        require_own_files(record, data)
    for policy in (record.policy for record in run):
        if simulated.source_hashes.get(policy.text, policy.source_hash) != policy.source_hash:
            hint = "run again, then simulate against that"
            raise VosbenchError(f"strategy {policy.label} has changed since the run", hint)


def jf_by_strategy(run: Records) -> dict[str, float]:
    """J&F of each strategy over all objects, by label."""
    return {spec: pooled_jf(group) for spec, group in by_strategy(run).items()}


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlation of attention kept with accuracy, over `strategies`."""

    rho: float
    strategies: int


def agreement(kept: Mapping[str, float], jf: Mapping[str, float]) -> Agreement:
    """How attention kept orders strategies by J&F, both by spec. VosbenchError for fewer than 3 or constant ones."""
    both = [spec for spec in kept if spec in jf and np.isfinite([kept[spec], jf[spec]]).all()]
    require_enough(both)
    x, y = [kept[spec] for spec in both], [jf[spec] for spec in both]
    if min(x) == max(x) or min(y) == max(y):
        hint = "take strategies that differ"
        raise VosbenchError("attention kept or J&F is the same for all strategies, so they have no order", hint)
    return Agreement(float(spearmanr(x, y).statistic), len(both))


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
