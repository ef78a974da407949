"""publish: write a run's records, tables and figures into results/."""

from vosbench.cli.comparing import publish
from vosbench.cli.verbs import Verb

VERB = Verb(publish, "vosbench publish .vosbench/runs/NAME --out results/NAME")
