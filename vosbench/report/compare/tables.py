"""Tables of a comparison: strategies with their differences from the baseline, and the objects that changed most."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from vosbench.base.codec import encode
from vosbench.base.words import too_few
from vosbench.bench.record import RunRecord
from vosbench.report.compare.differences import Difference
from vosbench.report.compare.pairing import Entrant, common_context
from vosbench.report.compare.significance import MIN_SEQUENCES
from vosbench.report.context import Context
from vosbench.report.measures import JF, SCORES, STRATEGY, accuracy_of, called, measures, who
from vosbench.report.paper import COLUMNS, paper_rows
from vosbench.report.scored_masks import SEEN_UNSEEN
from vosbench.report.table import HEADLINE, NAME, Column, Row, Table, percent


def _points(key: str, heading: str, leaves: int = 0) -> Column:
    """A difference in points, of which none is printed as -0.00."""

    def cell(row: Row) -> str:
        text = f"{100 * row[key]:.2f}"
        return text if float(text) else "0.00"

    return Column(key, heading, 2, 100, cell, leaves=leaves)


_RUN = Column("run", leaves=NAME)
_DIFFERENCE = _points("difference", "diff.", HEADLINE)
_COSTS = COLUMNS["III"]  # of the paper's tables
DIFFERENCES = (
    *STRATEGY,
    _RUN,
    *SCORES,
    _DIFFERENCE,
    _points("difference_low", "from"),
    _points("difference_high", "to"),
    Column("p", "p", 4),
    Column("effect", "effect", 2, leaves=3),
    Column("mark", ""),
    *_COSTS,
    *SEEN_UNSEEN,
)
CHANGED_OBJECTS = (
    *STRATEGY,
    _RUN,
    Column("sequence", leaves=NAME),
    Column("object", leaves=NAME),
    percent("jf_baseline", "baseline\nJ&F", leaves=1),
    replace(JF, leaves=2),
    _DIFFERENCE,
)


def difference_table(found: Sequence[Difference], paper: bool = False) -> Table:
    """A table like the paper's: J, F and J&F of baselines and entrants, with differences and marks of significance.

    `paper` adds the paper's own rows for the data set. Raises VosbenchError if it has none.
    """
    entrants = list({(e.run, e.strategy): e for d in found for e in (d.baseline, d.entrant)}.values())
    runs, strategies = ([*dict.fromkeys(names)] for names in zip(*((e.run, e.strategy) for e in entrants), strict=True))
    differences = {(d.entrant.run, d.entrant.strategy): d for d in found}
    rows: list[Row] = []
    for entrant in sorted(entrants, key=lambda e: (strategies.index(e.strategy), runs.index(e.run))):
        numbers = measures(entrant.records)
        row: dict[str, Any] = {**who(entrant.records)}
        row |= {"run": entrant.run} if len(runs) > 1 else {}
        row |= {column.key: numbers[column.key] for column in (*SCORES, *_COSTS) if column.key in numbers}
        rows.append(row | _difference(differences.get((entrant.run, entrant.strategy))))
    common = common_context([(d.baseline, d.entrant) for d in found])
    differing = list(dict.fromkeys(text for d in found for text in other_conditions(d.baseline, d.entrant)))
    sentences = [_described(found, common, differing), _legend(found)]
    if paper:
        theirs, whose = paper_rows(found[0].baseline.first.dataset.name)
        rows += theirs
        sentences.append(whose)
    conditions = {"baseline": encode(common), "differing": differing, "comparisons": len(found)}
    return Table(DIFFERENCES, rows, " ".join(sentences), conditions)


def changed_objects(found: Sequence[Difference], number: int = 5) -> Table:
    """The objects of each comparison whose J&F changed most, up or down, at most `number` of each."""
    several, rows = len({d.entrant.run for d in found}) > 1, []
    for difference in found:
        before = difference.baseline.objects()
        for place in np.argsort(-np.abs(difference.values), kind="stable")[:number]:
            if value := float(difference.values[place]):
                sequence, object_id = key = difference.objects[place]
                row: dict[str, Any] = {**who(difference.entrant.records)}
                row |= {"run": difference.entrant.run} if several else {}
                row |= {"sequence": sequence, "object": object_id, "jf_baseline": before[key]}
                rows.append(row | {"jf": before[key] + value, "difference": value})
    name = accuracy_of(found[0].baseline.records)
    caption = f"The objects whose {name} changed most." if rows else f"No object's {name} changed."
    return Table(called(CHANGED_OBJECTS, name), rows, caption)


def other_conditions(baseline: Entrant, entrant: Entrant) -> list[str]:
    """What two entrants differ in beside the strategy, in words: model, settings, device, commit."""
    ours, theirs = (_conditions_of(e.first) for e in (baseline, entrant))
    if baseline.strategy != entrant.strategy:
        ours.pop("strategy's source", None)  # another strategy has another source, of course
    return [
        f"{name} ({value}, {theirs[name]})" for name, value in ours.items() if name in theirs and value != theirs[name]
    ]


def _conditions_of(record: RunRecord) -> dict[str, Any]:
    model, settings, environment = record.model, record.settings, record.environment
    if model is None or settings is None or environment is None:
        return {}
    return {
        "weights": f"{model.name} {model.checkpoint_hash[:8]}",
        "precision": model.precision,
        **asdict(settings),
        **{name: getattr(environment, name) for name in ("machine", "device", "threads", "torch")},
        "commit": (environment.commit or "unknown")[:8],
        "strategy's source": record.policy.source_hash[:8],
    }


def _difference(found: Difference | None) -> dict[str, Any]:
    if found is None:
        return {"mark": ""}
    told = {"difference": found.mean, "difference_low": found.low, "difference_high": found.high}
    return told | {"p": found.p, "effect": found.effect, "mark": found.mark}


def _described(found: Sequence[Difference], common: Context, differing: Sequence[str]) -> str:
    first, baselines = found[0].baseline, {(d.baseline.run, d.baseline.strategy) for d in found}
    several = len({d.entrant.run for d in found} | {first.run}) > 1
    against = f"the same strategy in {first.run}" if several and len(baselines) > 1 else first.name
    apart = f" The runs differ in {', '.join(differing)}." if differing else ""
    return f"{common.caption}{apart} Compared with {against}."


def _legend(found: Sequence[Difference]) -> str:
    """What the error bar covers, how the p-values came about, and what the marks mean."""
    sequences = len({sequence for sequence, _ in found[0].objects})
    what = f"The difference is that of {accuracy_of(found[0].baseline.records)}, in points, over the same objects"
    if not all(difference.of_protocol for difference in found):
        what += ", all of which weigh alike here, as they do not in the scores of the protocol"
    elif any((difference.weights != 1).any() for difference in found):
        what += ", weighed as in the scores of the protocol"
    if sequences < MIN_SEQUENCES:
        return f"{what}; {too_few(sequences, 'sequence')} for an interval and a p; = no object differs."
    many = f", corrected by Holm for {len(found)} comparisons" if len(found) > 1 else ""
    return (
        f"{what}; its 95% interval covers which sequences the data set happens to hold (sequences resampled with all "
        "their objects), and neither the seeds of training nor the choice of data set. p: signed-rank test with "
        f"sequences as clusters{many}; * below 0.05, ** 0.01, *** 0.001; = no object differs. Effect: rank-biserial "
        "correlation, -1 to 1."
    )
