"""compare: runs, or the strategies of one, compared; a gate for CI."""

from vosbench.cli.comparing import compare
from vosbench.cli.verbs import Verb

VERB = Verb(compare, "vosbench compare baseline new --fail-on regression --junit gate.xml --markdown gate.md")
