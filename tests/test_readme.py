"""What the README shows is true: its Python runs, its example of a strategy keeps the contract, its commands parse."""

import re
import shlex
from pathlib import Path

import pytest

from vosbench.cli import main
from vosbench.memory.contract import check_contract
from vosbench.memory.registry import policy_names, resolve_policy

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


def test_the_scripting_example_runs(tmp_path, monkeypatch, capsys):
    (example,) = (block for block in BLOCKS if "import vosbench\n" in block)
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), found)
    assert len(capsys.readouterr().out.splitlines()) == len(found["sequence"].frames)
    assert {record.policy.spec for record in found["records"]} >= {"lfu:capacity=2", "lfu:capacity=4"}


def test_the_example_of_a_strategy_keeps_the_contract(tmp_path):
    (example,) = (block for block in BLOCKS if "BoundedPolicy" in block)
    (tmp_path / "idea.py").write_text(example)
    assert check_contract(resolve_policy(str(tmp_path / "idea.py")).build) == []


def test_every_strategy_is_in_the_table():
    assert set(re.findall(r"^\| `([\w-]+)` \|", README, re.M)) == set(policy_names())


@pytest.mark.parametrize("line", re.findall(r"^vosbench (?!VERB)[^#\n]+", README, re.M))
def test_every_option_of_every_command_exists(line, capsys):
    verb, *arguments = shlex.split(line)[1:]
    assert main([verb, "--help"]) == 0
    known = capsys.readouterr().out
    for argument in arguments:
        if argument.startswith("-"):
            assert re.search(rf"(^|[\s,]){argument}\b", known), f"{verb} has no {argument}"
