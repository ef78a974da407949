"""plot: the figures of a run."""

from vosbench.cli.results import plot
from vosbench.cli.verbs import Verb

VERB = Verb(plot, "vosbench plot .vosbench/runs/NAME --out figures --format svg")
