"""Tables of a folder of masks that was scored, by whatever method they were made."""

from collections.abc import Mapping, Sequence

from vosbench.metrics import tracking
from vosbench.metrics.analysis import Analysis
from vosbench.metrics.figures import MEANS, Figures
from vosbench.metrics.stability import ObjectStability
from vosbench.metrics.statistics import ObjectScore, mean
from vosbench.report.measures import SCORES, TRACKING, called, with_own
from vosbench.report.table import HEADLINE, NAME, Column, Table, percent

OBJECTS = (Column("sequence"), Column("object", leaves=NAME), *SCORES, Column("scored_frames", "scored\nframes"))
LATER = (
    percent("jf_after_reappearance", "J&F after\nre-appearance", "higher"),
    Column("reappearing", "objects that\nre-appear"),
    percent("jf_last_quarter", "J&F of the\nlast quarter", "higher"),
)
RECALL = (
    Column("threshold", "above", factor=100),
    *(column for column in SCORES if column.key in ("j_recall", "f_recall")),
)
STABILITY = (percent("t_mean", "T\nmean"), Column("objects"))
TRACKED_OBJECTS = (Column("sequence"), Column("object", leaves=NAME), *TRACKING, *map(Column, tracking.KINDS))
SEEN_UNSEEN = (
    *(percent(f"{m}_{group}", f"{m.upper()}\n{group}", "higher") for group in ("seen", "unseen") for m in "jf"),
    percent("overall", "overall", "higher", HEADLINE),
)


def summary_table(objects: Sequence[ObjectScore], figures: Figures, caption: str) -> Table:
    """One row: what a protocol tells of all objects together."""
    return Table(with_own(SCORES, figures, objects), [figures.of_all(objects)], caption)


def object_table(objects: Sequence[ObjectScore], figures: Figures, caption: str) -> Table:
    """One row per object."""
    rows = [
        {"sequence": o.sequence, "object": o.object_id, **MEANS.of_all([o]), "scored_frames": o.frames} for o in objects
    ]
    return Table(with_own(OBJECTS, figures, objects), rows, caption)


def analysis_tables(found: Analysis, name: str, caption: str) -> tuple[Table, Table]:
    """One row of the accuracy, called `name`, after re-appearance and in the last quarter; and recall by threshold."""
    row = {
        "jf_after_reappearance": found.after_reappearance,
        "reappearing": found.reappearing,
        "jf_last_quarter": found.last_quarter,
    }
    recall = [{"threshold": above, "j_recall": j, "f_recall": f} for above, (j, f) in found.recall.items()]
    return Table(called(LATER, name), [row], caption), Table(RECALL, recall, caption)


def stability_table(objects: Sequence[ObjectStability], caption: str) -> Table:
    """One row: temporal stability T, the mean over the objects that have one, and their number."""
    measured = [o.t for o in objects if o.pairs]
    return Table(STABILITY, [{"t_mean": mean(measured), "objects": len(measured)}], caption)


def tracking_tables(found: Sequence[tuple[str, int, Mapping[str, float]]], caption: str) -> tuple[Table, Table]:
    """The measures of VOTS of (sequence, object id, its own): one row for all, and a row per object with its counts."""
    whole = tracking.pooled((sequence, told) for sequence, _, told in found)
    rows = [{"sequence": sequence, "object": object_id, **told} for sequence, object_id, told in found]
    return Table(TRACKING, [whole], caption), Table(TRACKED_OBJECTS, rows, caption)


def seen_unseen_table(found: Mapping[str, float], caption: str) -> Table:
    """One row: J and F over the objects of categories that training had, and had not; and their mean."""
    return Table(SEEN_UNSEEN, [found], caption)
