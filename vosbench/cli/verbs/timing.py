"""timing: where the time of a run went."""

from vosbench.cli.results import timing
from vosbench.cli.verbs import Verb

VERB = Verb(timing, "vosbench timing --only stages --format csv --out stages.csv")
