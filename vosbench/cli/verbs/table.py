"""table: what a run measured, by strategy, sequence or object."""

from vosbench.cli.results import table
from vosbench.cli.verbs import Verb

VERB = Verb(table, "vosbench table --by object --format markdown")
