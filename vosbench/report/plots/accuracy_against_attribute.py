"""Of several runs that differ in one strength of generated clips: J&F against that strength."""

from collections.abc import Collection

import matplotlib
from matplotlib.figure import Figure

from vosbench.datasets.generated.recipe import ATTRIBUTES
from vosbench.report.context import Records, by_identity
from vosbench.report.drawing.labels import label_ends
from vosbench.report.drawing.style import STYLE, looks_of, note_axes, room
from vosbench.report.measures import accuracy_of, name_and_kind, pooled_jf, who
from vosbench.report.sweep import sweep


def figure(*runs: Records, highlight: Collection[str] = ()) -> Figure:
    """J&F (percent, over all objects) of each strategy against the strength of an attribute. Raises as `sweep`."""
    found = sweep(runs)
    groups = [by_identity(run.records) for run in found.runs]
    labels = {key: name_and_kind(who(g)) for key, g in groups[0].items() if g[0].policy.kind != "control"}
    looks = looks_of(labels.values(), [labels[key] for key in labels if groups[0][key][0].policy.label in highlight])
    shown = [label for label, look in looks.items() if not look.quiet]
    strengths = [run.strength for run in found.runs]
    with matplotlib.rc_context(STYLE):
        drawn, axes = note_axes((found.data, found.system), room(shown), len(shown))
        ends = {}
        for key, label in labels.items():
            curve = [100 * pooled_jf(group[key]) for group in groups]
            axes.plot(strengths, curve, label=label, **looks[label].line())
            ends[label] = curve[-1]
        if min(strengths) > 0 and max(strengths) > 8 * min(strengths):
            axes.set_xscale("log")
            axes.set_xticks(strengths, [f"{strength:g}" for strength in strengths], minor=False)
            axes.minorticks_off()
        axes.set_xlabel(f"{found.attribute} ({ATTRIBUTES[found.attribute].metadata['unit']})")
        axes.set_ylabel(f"accuracy: {accuracy_of(runs[0])} (%)")
        label_ends(axes, ends, looks)
    drawn.set_label(f"accuracy-against-{found.attribute}")
    return drawn
