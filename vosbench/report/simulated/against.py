"""A simulation beside a run of the same strategies: does the attention that they keep foretell their accuracy?"""

from collections.abc import Sequence

from vosbench.bench.record import RunRecord
from vosbench.errors import VosbenchError
from vosbench.report.context import by_strategy, context
from vosbench.report.measures import pooled_jf
from vosbench.report.simulated import attention
from vosbench.simulation.outcome import Conditions, Simulation


def strategies(run: Sequence[RunRecord]) -> tuple[str, ...]:
    """The strategies of a run with their labels, without its controls."""
    return tuple(dict.fromkeys(record.policy.text for record in run if record.policy.kind == "strategy"))


def require_same(run: Sequence[RunRecord], simulated: Conditions) -> None:
    """Refuse a run of other data, weights or settings, or of strategies that have changed since, with VosbenchError."""
    if not run:
        return
    common = context(run)
    then, settings = common.dataset, common.settings
    pairs = {
        "data set": (
            (then.name, then.split, then.frame_mode),
            (simulated.dataset, simulated.split, simulated.frame_mode),
        ),
        "sequences": (sorted({record.sequence for record in run}), sorted(simulated.sequences)),
        "weights": (common.model.checkpoint_hash, simulated.checkpoint_hash),
        "top-k, shorter side and affinity": (
            (settings.top_k, settings.shorter_side, settings.affinity),
            (simulated.top_k, simulated.shorter_side, simulated.affinity),
        ),
    }
    for what, (theirs, ours) in pairs.items():
        if theirs != ours:
            raise VosbenchError(
                f"the run has another {what} than the simulation: {_shown(theirs)}, not {_shown(ours)}",
                "give simulate the options that the run had",
            )
    for policy in (record.policy for record in run):
        if simulated.source_hashes.get(policy.text, policy.source_hash) != policy.source_hash:
            raise VosbenchError(
                f"strategy {policy.label} has changed since the run", "run again, then simulate against that"
            )


def jf_by_strategy(run: Sequence[RunRecord]) -> dict[str, float]:
    """J&F of each strategy over all objects, by label."""
    return {spec: pooled_jf(group) for spec, group in by_strategy(run).items()}


def agreement(simulation: Simulation, run: Sequence[RunRecord]) -> attention.Agreement:
    """How well attention kept orders the strategies by their J&F in the run; see `attention.agreement`."""
    return attention.agreement(attention.retained_by_setting(simulation.outcomes), jf_by_strategy(run))


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
