"""What is plugged in may not end the program as if all were well."""

import pytest

EXITING = """import sys
from dataclasses import dataclass
from vosbench.memory.policy import BoundedPolicy, parameter
@dataclass
class Leaves(BoundedPolicy):
    capacity: float = parameter(3.0, "frames", "size of the bank", at_least=1)
    def score(self, frame):
        sys.exit(0)
"""


def test_a_strategy_that_exits_breaks_its_contract(vosbench, tmp_path):
    (tmp_path / "idea.py").write_text(EXITING)
    outcome = vosbench("check", "policy", tmp_path / "idea.py")
    assert outcome.status == 2
    assert "idea.py:8: frame" in outcome.out
    assert "SystemExit: 0" in outcome.out


@pytest.mark.parametrize("how", ["sys.exit()", "raise SystemExit(3)"])
def test_a_verb_that_exits_is_a_fault_with_its_place(vosbench, tmp_path, how):
    (tmp_path / "verb.py").write_text(
        "import sys\nfrom vosbench.cli.verbs import Answer, Verb\n"
        f"def leave() -> Answer:\n    {how}\nVERB = Verb(leave, 'vosbench ./verb.py')\n"
    )
    outcome = vosbench(tmp_path / "verb.py")
    assert outcome.status == 2
    assert "verb.py:4: SystemExit" in outcome.err
