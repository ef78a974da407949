"""J&F, and below it FPS if it was timed, against the capacity of the memory: a curve for each strategy."""

from collections.abc import Collection

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from vosbench.report.context import Records, context
from vosbench.report.drawing.capacity import draw_curves, named, require_sweep, sweeps
from vosbench.report.drawing.style import HEIGHT, LINE, STYLE, distinct, note_axes, room
from vosbench.report.makers import NotApplicableError
from vosbench.report.measures import accuracy_of, model_fps, pooled_jf


def figure(records: Records, *, highlight: Collection[str] = ()) -> Figure:
    """J&F in percent, over all objects; capacity in frames. Controls are left out."""
    common = context(records)
    everything = distinct(records, highlight)
    groups = {spec: group for spec, group in everything.items() if group[0].policy.kind != "control"}
    accuracy = {spec: 100 * jf for spec, group in groups.items() if np.isfinite(jf := pooled_jf(group))}
    speed = {spec: fps for spec, group in groups.items() if np.isfinite(fps := model_fps(group))}
    if not accuracy:
        raise NotApplicableError("no strategy has scores", "run a strategy on a data set with masks")
    curves = sweeps(group[0].policy for group in groups.values())
    require_sweep(curves, accuracy)
    with matplotlib.rc_context(STYLE):
        shown = named(curves, highlight)
        drawn, upper = note_axes((common.data, common.system), room(shown), 0 if speed else len(shown))
        lower = upper
        if speed:
            place = upper.get_position()
            drawn.set_size_inches(drawn.get_figwidth(), max(1.6 * HEIGHT, LINE / 72 * len(shown) / 0.33))
            upper.set_position((place.x0, 0.47, place.width, place.y1 - 0.44))
            lower = drawn.add_axes((place.x0, 0.08, place.width, 0.33))
            draw_curves(lower, curves, speed, "model frames per second", highlight)
        draw_curves(upper, curves, accuracy, f"accuracy: {accuracy_of(records)} (%)", highlight)
        lower.set_xlabel("capacity (frames)")
        lower.tick_params(length=2.5)
    return drawn
