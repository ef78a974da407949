"""Tables of a comparison: a row per strategy and run with what sets it apart from its baseline, and who moved most."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from vosbench.report.compare.comparison import Difference, Entrant
from vosbench.report.compare.significance import MIN_SEQUENCES
from vosbench.report.context import context
from vosbench.report.paper import paper_rows
from vosbench.report.tables.rendering import Table
from vosbench.report.tables.results import figures

_COSTS = ("model_fps", "frames_in_memory")


def comparison(found: Sequence[Difference], paper: bool = False) -> Table:
    """A table like the paper's: J, F and J&F of baselines and entrants, with differences and marks of significance.

    `paper` adds the paper's own rows for the data set. Raises VosbenchError if it has none.
    """
    runs = list(dict.fromkeys(e.run for d in found for e in (d.baseline, d.entrant)))
    by_entrant = {(d.entrant.run, d.entrant.spec): d for d in found}
    entrants = list(dict.fromkeys((e.run, e.spec) for d in found for e in (d.baseline, d.entrant)))
    records = {(e.run, e.spec): e.records for d in found for e in (d.baseline, d.entrant)}
    order = list(dict.fromkeys(spec for _, spec in entrants))
    rows = []
    for key in sorted(entrants, key=lambda key: (order.index(key[1]), runs.index(key[0]))):
        run, spec = key
        numbers = figures(records[key])
        row: dict[str, Any] = {"strategy": spec, "kind": records[key][0].policy.kind}
        row |= {"run": run} if len(runs) > 1 else {}
        row |= {name: value for name, value in numbers.items() if name[:2] in ("j_", "f_") or name == "jf"}
        row |= _difference(by_entrant.get(key)) | {name: numbers[name] for name in _COSTS}
        rows.append(row)
    frame, sentences = pd.DataFrame(rows), [_conditions(found), _legend(found)]
    if paper:
        theirs, whose = paper_rows(found[0].baseline.first.dataset.name)
        frame = pd.concat([frame, theirs], ignore_index=True)
        frame["mark"] = frame["mark"].fillna("")
        sentences.append(whose)
    return Table(frame, " ".join(sentences))


def moved(found: Sequence[Difference], number: int = 5) -> Table:
    """The objects of each comparison whose J&F changed most, up or down, at most `number` of each."""
    rows = []
    for difference in found:
        before = difference.baseline.objects()
        for place in np.argsort(-np.abs(difference.values), kind="stable")[:number]:
            if value := float(difference.values[place]):
                sequence, object_id = key = difference.objects[place]
                row: dict[str, Any] = {"strategy": difference.entrant.spec, "run": difference.entrant.run}
                row |= {"sequence": sequence, "object": object_id, "jf_baseline": before[key]}
                rows.append(row | {"jf": before[key] + value, "difference": value})
    columns = ["strategy", "run", "sequence", "object", "jf_baseline", "jf", "difference"]
    frame = pd.DataFrame(rows, columns=columns)
    if frame["run"].nunique() < 2:
        frame = frame.drop(columns="run")
    return Table(frame, "The objects whose J&F changed most." if rows else "No object's J&F changed.")


def unlike(baseline: Entrant, entrant: Entrant) -> list[str]:
    """What two entrants differ in beside the strategy, in words: model, settings, device, commit."""
    pairs = [
        ("weights", *(f"{r.model.name} {r.model.checkpoint_hash[:8]}" for r in (baseline.first, entrant.first))),
        ("precision", baseline.first.model.precision, entrant.first.model.precision),
        *(
            (name, getattr(baseline.first.settings, name), getattr(entrant.first.settings, name))
            for name in ("top_k", "size", "affinity")
        ),
        *(
            (name, getattr(baseline.first.environment, name), getattr(entrant.first.environment, name))
            for name in ("machine", "device", "threads", "torch")
        ),
        ("commit", *((r.environment.commit or "unknown")[:8] for r in (baseline.first, entrant.first))),
        ("strategy's source", *(e.first.policy.source_hash[:8] for e in (baseline, entrant))),
    ]
    if baseline.spec != entrant.spec:
        pairs.pop()  # another strategy has another source, of course
    return [f"{name} ({ours}, {theirs})" for name, ours, theirs in pairs if ours != theirs]


def _difference(found: Difference | None) -> dict[str, Any]:
    if found is None:
        return dict.fromkeys(("difference", "difference_low", "difference_high", "p", "effect"), np.nan) | {"mark": ""}
    return {
        "difference": found.mean,
        "difference_low": found.low,
        "difference_high": found.high,
        "p": found.p,
        "effect": found.effect,
        "mark": found.mark,
    }


def _conditions(found: Sequence[Difference]) -> str:
    """The data, and every way in which baselines and entrants differ beside their strategies."""
    baselines = list({(d.baseline.run, d.baseline.spec): d.baseline for d in found}.values())
    common = context([record for baseline in baselines for record in baseline.records])
    apart = list(dict.fromkeys(text for d in found for text in unlike(d.baseline, d.entrant)))
    against = found[0].baseline.run if len({d.entrant.run for d in found} | {found[0].baseline.run}) > 1 else ""
    against = f"their like in {against}" if against and len(baselines) > 1 else baselines[0].name
    differing = f" The runs differ in {', '.join(apart)}." if apart else ""
    return f"{common.data}; {common.system}.{differing} Compared with {against}."


def _legend(found: Sequence[Difference]) -> str:
    """What the error bar covers, how the p-values came about, and what the marks mean."""
    sequences = len({sequence for sequence, _ in found[0].objects})
    covers = (
        "The difference is that of J&F, in points, over the same objects; its 95% interval covers which sequences the "
        "data set happens to hold (sequences resampled with all their objects), and neither the seeds of training nor "
        "the choice of data set."
        if sequences >= MIN_SEQUENCES
        else f"The difference is that of J&F, in points, over the same objects; {sequences} sequences are too few for "
        "an interval."
    )
    many = f", corrected by Holm for {len(found)} comparisons" if len(found) > 1 else ""
    return (
        f"{covers} p: signed-rank test with sequences as clusters{many}; * below 0.05, ** 0.01, *** 0.001; "
        "= no object differs. Effect: rank-biserial correlation, -1 to 1."
    )
