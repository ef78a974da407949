"""Suites on the command line: files, names that ship, what overrides them, and what fails on the way."""

import pytest

from vosbench.bench.record import read_run

pytestmark = pytest.mark.usefixtures("scored_in_a_thread", "small_davis")


@pytest.fixture
def night(tmp_path, monkeypatch):
    """Works in a folder with `DAVIS` and a suite of two data sets, night.toml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "night.toml").write_text(
        'policies = ["first-only", { name = "every-k", k = [2, 3] }]\ncontrols = false\n'
        '[[data]]\ndataset = "davis2017"\nlimit = 1\n'
        '[[data]]\ndataset = "folder"\nsequences = ["bee"]\nshorter_side = 0\n'
    )
    return tmp_path


def test_a_suite_of_two_data_sets(night, vosbench, read_json, refused):
    outcome = vosbench("run", "night.toml", "--root", "DAVIS", "--out", "out", "--json", "night.json")
    assert outcome.status == 0
    folders = sorted((night / "out").iterdir())
    assert [folder.name.rpartition("-")[0] for folder in folders] == ["davis2017-val-stcn-tiny", "folder-all-stcn-tiny"]
    assert outcome.out.count("\nevery-k:k=3 ") == 2
    assert all(f"are in out/{folder.name}" in outcome.out for folder in folders)
    written = read_json(night / "night.json")["runs"]
    assert ["davis2017" in written[0]["caption"], "folder" in written[1]["caption"]] == [True, True]
    for folder, result in zip(folders, written, strict=True):
        records = read_run(folder)
        assert len(records) == len(result["records"]) == 3
        assert {r.suite["name"] for r in records} == {"night"}
        assert [r.policy.spec for r in records] == ["first-only", "every-k:k=2", "every-k:k=3"]
    both = f"out is no run, but holds {', '.join(f'out/{folder.name}' for folder in folders)}\nname one, or all: out/*"
    assert {refused(verb, "out") for verb in ("table", "report", "compare")} == {f"error: {both}"}
    again = vosbench("run", "night.toml", "--root", "DAVIS", "--out", "out")
    assert (again.out, again.err) == (outcome.out, "")


def test_seeds_take_the_place_of_those_of_a_suite(night, vosbench, refused):
    (night / "night.toml").write_text('seeds = [0, 1, 2]\npolicies = ["fifo", "random:capacity=2"]\ncontrols = false\n')
    arguments = ("run", "night.toml", "--dataset", "davis2017", "--root", "DAVIS", "--limit", 1, "--out", "out")
    assert vosbench(*arguments, "--seeds", "7, 8").status == 0
    specs = ["fifo", "random:capacity=2,seed=7", "random:capacity=2,seed=8"]
    assert [r.policy.spec for r in read_run(night / "out")] == specs
    assert "seeds[1] must be of type int, not 'x'" in refused(*arguments, "--seeds", "7,x")
    assert "no strategy takes one" in refused(*arguments, "--seeds", "7", "-p", "fifo")


def test_options_override_a_suite(night, vosbench):
    arguments = ("run", "night.toml", "--dataset", "davis2017", "--root", "davis2017=DAVIS", "-p", "fifo")
    outcome = vosbench(*arguments, "--top-k", 7, "--repeats", 2, "--controls", "--out", "out")
    assert outcome.status == 0
    records = read_run(night / "out")
    assert [r.policy.spec for r in records] == ["fifo", "copy-first-mask", "predict-nothing"]
    assert [len(r.timings) for r in records] == [2, 0, 0]
    assert records[0].settings.top_k == records[0].suite["top_k"] == 7
    assert "\n[2/4] fifo on ant" in outcome.err


def test_a_suite_that_ships(night, vosbench):
    listed = vosbench("list", "suites")
    assert "paper-table1" in listed.out
    arguments = ("--dataset", "davis2017", "--root", "DAVIS", "--no-controls", "--out", "out")
    outcome = vosbench("run", "paper-table1", *arguments)
    assert outcome.status == 0
    records = read_run(night / "out")
    assert {r.suite["name"] for r in records} == {"paper-table1"}
    assert len(records) == 6


def test_a_failure_is_a_row_a_line_and_status_2(night, vosbench, read_json):
    (night / "idea.py").write_text(
        "from dataclasses import dataclass\nfrom vosbench.memory.policy import MemoryPolicy\n"
        "@dataclass\nclass Idea(MemoryPolicy):\n    def admit(self, step):\n"
        "        if self.video.name == 'ant' and step.frame == 2:\n            raise MemoryError('no room')\n"
        "        return False\n"
    )
    arguments = ("run", "--dataset", "davis2017", "--root", "DAVIS", "--no-controls", "-p", "idea.py", "-p", "fifo")
    outcome = vosbench(*arguments, "--out", "out", "--json", "out.json")
    assert outcome.status == 2
    assert outcome.err.splitlines()[-1] == "vosbench: failed: idea.py on ant after 2 frames: out of memory: no room"
    assert "\nidea.py (failed) " in outcome.out
    failures = [record["failure"] for record in read_json(night / "out.json")["runs"][0]["records"]]
    assert [failure and failure["frames"] for failure in failures] == [2, None, None, None]
    assert "idea.py (failed)" in vosbench("table", "out").out
    assert vosbench("timing", "out").out.count("idea.py") == 2  # in the captions, PARTIAL (failed: idea.py)
    assert vosbench("table", "out", "--by", "object").out.count("idea.py") == 2  # there, and bee
