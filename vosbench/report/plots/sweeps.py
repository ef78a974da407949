"""J&F against the strength of one attribute of generated clips: a run for each strength, a curve for each strategy."""

import matplotlib
from matplotlib.figure import Figure

from vosbench.datasets.generated.recipe import ATTRIBUTES
from vosbench.report.context import by_strategy
from vosbench.report.plots.labels import label_ends
from vosbench.report.plots.style import STYLE, looks_of, note_axes, short
from vosbench.report.tables.results import figures
from vosbench.report.tables.sweeps import Runs, attribute_of, data, in_order


def accuracy_against_attribute(runs: Runs) -> Figure:
    """J&F (percent, over all objects) of each strategy against the strength of an attribute. Raises as the table."""
    name = attribute_of(runs)[0]
    common = in_order(runs)
    specs = [spec for spec, group in by_strategy(common[0][2]).items() if group[0].policy.kind == "strategy"]
    looks = looks_of(specs)
    strengths = [strength for strength, _, _ in common]
    with matplotlib.rc_context(STYLE):
        figure, axes = note_axes((data(common), common[0][1].system), 0.25 + 0.067 * max(map(len, map(short, specs))))
        heights = []
        for spec in specs:
            curve = [100 * figures(by_strategy(run)[spec])["jf"] for _, _, run in common]
            look = looks[spec]
            axes.plot(strengths, curve, color=look.colour, marker=look.marker, markersize=4, linewidth=1.3, label=spec)
            heights.append(curve[-1])
        if min(strengths) > 0 and max(strengths) > 8 * min(strengths):
            axes.set_xscale("log")
            axes.set_xticks(strengths, [f"{strength:g}" for strength in strengths], minor=False)
            axes.minorticks_off()
        axes.set_xlabel(f"{name} ({ATTRIBUTES[name].metadata['unit']})")
        axes.set_ylabel("accuracy: J&F (%)")
        label_ends(axes, heights, [short(spec) for spec in specs], [looks[spec].text for spec in specs])
    return figure
