"""A network in a file of its own, from the command line."""

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import toy_network

from vosbench.base import registry
from vosbench.bench.record import read_run
from vosbench.models.checkpoint import load_model


@pytest.fixture
def toy(tmp_path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    shutil.copy(toy_network.__file__, tmp_path / "toy.py")
    return "./toy.py"


def test_check_of_a_network(toy, vosbench, read_json):
    outcome = vosbench("check", "model", toy)
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "./toy.py: 11 checks, sound\n")
    text = Path("toy.py").read_text()
    Path("toy.py").write_text(text.replace("return full[:, 0],", "return full,"))
    outcome = vosbench("check", "model", toy, "--json", "check.json")
    assert outcome.status == 2
    line, hint = outcome.out.splitlines()
    number = next(n for n, code in enumerate(text.splitlines(), 1) if "def decode" in code)
    assert line == f"toy.py:{number}: decode gives float32 (2, 1, 56, 96), not floats (2, 56, 96)"
    assert read_json(Path("check.json")) == {"problems": [{"message": line, "hint": hint.removeprefix("  hint: ")}]}
    assert "check model needs a name or a file" in vosbench("check", "model").err


@pytest.mark.usefixtures("lent_pool")
def test_a_run_and_a_simulation_of_its_keys(toy, vosbench, small_davis, tmp_path):
    data = ("--dataset", "davis2017", "--root", small_davis, "--model", toy)
    strategies = ("lfu:every=1", "xmem", "first-only")
    named = [argument for name in strategies for argument in ("-p", name)]
    assert vosbench("run", *data, *named, "--no-controls", "--out", tmp_path / "run").status == 0
    records = read_run(Path("run"))
    assert {(r.model.name, r.settings.top_k, r.settings.affinity) for r in records} == {("toy", 5, "own")}
    assert "own affinity" in vosbench("table", "run").out
    simulated = vosbench("simulate", *data, *named, "--jobs", 2, "--against", "run")
    assert simulated.status == 0, simulated.err
    assert "own affinity" in simulated.out
    refused = vosbench("run", *data, "--affinity", "dot")
    assert refused.status == 2
    assert "keys of toy are compared in its own way, not by dot" in refused.err


@pytest.mark.usefixtures("lent_pool")
def test_a_changed_network_is_another_run(toy, vosbench, small_davis, tmp_path):
    data = ("--dataset", "davis2017", "--root", small_davis, "--model", toy, "-p", "lfu", "--no-controls")
    assert vosbench("run", *data, "--out", tmp_path / "first").status == 0
    with Path("toy.py").open("a") as file:
        file.write("# edited\n")
    assert vosbench("run", *data, "--out", tmp_path / "second").status == 0
    first, second = (read_run(tmp_path / name) for name in ("first", "second"))
    assert first[0].conditions != second[0].conditions


def test_a_registered_network_is_found_by_its_name(vosbench, monkeypatch):
    point = EntryPoint("shrinky", "toy_network:Toy", "vosbench.models")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == point.group else [])
    assert isinstance(load_model("shrinky"), toy_network.Toy)
    outcome = vosbench("check", "model", "shrinky")
    assert (outcome.status, outcome.err) == (0, "shrinky: 11 checks, sound\n")
    assert "shrinky" in vosbench("list", "models").out
    assert "did you mean shrinky" in vosbench("check", "model", "shrinki").err
