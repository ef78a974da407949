"""The verb simulate: table, curve, comparison with a run, pictures of a memory, and its faults."""

import json
import shlex
import shutil

import pytest
from PIL import Image

from vosbench.cli.verbs import VERBS


@pytest.fixture
def arguments(small_davis, tmp_path):
    return (
        *("simulate", "--dataset", "davis2017", "--root", small_davis, "--jobs", 1),
        *("--cache", tmp_path / "traces", "--json", tmp_path / "simulated.json"),
    )


def test_simulate(arguments, tmp_path, vosbench, read_json):
    sweep = (
        "--policies",
        "lfu:every=1,lru:every=1,fifo:every=1",
        "--capacity",
        "1..2",
        "--plot",
        tmp_path / "curve.png",
    )
    outcome = vosbench(*arguments, *sweep)
    assert outcome.status == 0
    assert "davis2017 val, frames 480p; 2 sequences; not the published val of 30 sequences but ant, bee" in outcome.out
    assert "attention against every-k:k=5." in " ".join(outcome.out.split())
    rows = [line.split()[0] for line in outcome.out.splitlines() if ":every=1,capacity=" in line]
    settings = [f"{name}:every=1,capacity={c}" for name in ("lfu", "lru", "fifo") for c in (1, 2)]
    assert rows == [setting for setting in settings if setting != "fifo:every=1,capacity=1"]
    (said,) = (line for line in outcome.err.splitlines() if "fifo:every=1,capacity=1 is left out: " in line)
    assert "policies/fifo.py:" in said
    assert "[2/2] keys on bee, 6 frames" in outcome.err
    assert "[2/2] 6 settings on bee, 6 frames" in outcome.err
    written = read_json(tmp_path / "simulated.json")
    assert [row["strategy"] for row in written["rows"]] == rows
    assert all(0 < row["retained"] <= 1 for row in written["rows"])
    assert [(o["spec"], o["sequence"]) for o in written["outcomes"]] == [(s, n) for s in rows for n in ("ant", "bee")]
    assert all(len(o["tokens"]) == 6 and len(o["retained"]) == 5 for o in written["outcomes"])
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.format == "PNG"
    assert outcome.out.splitlines()[-1] == str(tmp_path / "curve.png")
    assert len(list((tmp_path / "traces").iterdir())) == 2
    again = vosbench(*arguments, *sweep)
    assert again.out == outcome.out


def test_a_faulty_sequence_is_said(arguments, small_davis, vosbench, read_json, tmp_path):
    (small_davis / "Annotations/480p/ant/00000.png").write_bytes(b"")
    outcome = vosbench(*arguments, "--policies", "lfu", "--threads", 1)
    assert outcome.status == 2
    assert "vosbench: faulty: ant: mask " in outcome.err
    assert "1 sequence, PARTIAL: faulty: ant; " in " ".join(outcome.out.split())
    assert [one["sequence"] for one in read_json(tmp_path / "simulated.json")["outcomes"]] == ["bee"]


def test_one_fault_of_several_settings_is_said_once(arguments, tmp_path, vosbench):
    (tmp_path / "idea.py").write_text(
        "from dataclasses import dataclass\n"
        "from vosbench.memory.policy import BoundedPolicy\n"
        "@dataclass\n"
        "class Idea(BoundedPolicy):\n"
        "    def score(self, frame):\n"
        "        raise ValueError('no idea')\n"
        "    def admit(self, step):\n"
        "        self.score(step.frame)\n"
    )
    idea = f"{tmp_path / 'idea.py'}"
    several = vosbench(*arguments, "-p", f"{idea}:capacity=1,{idea}:capacity=2,first-only", "--limit", 1)
    said = [line for line in several.err.splitlines() if "left out" in line]
    assert len(said) == 1
    assert said[0].startswith(f"{idea}:capacity=1, {idea}:capacity=2 are left out: ")
    assert "no idea" in said[0]


def test_the_example(small_davis, tmp_path, monkeypatch, vosbench):
    monkeypatch.chdir(tmp_path)
    program, *words = shlex.split(VERBS.find("simulate").example)
    outcome = vosbench(*words, "--jobs", 1)
    assert (program, small_davis.name, outcome.status) == ("vosbench", "DAVIS", 0)
    assert "lru:capacity=16" in outcome.out
    assert (tmp_path / "curve.png").is_file()
    assert len(list((tmp_path / ".vosbench/traces").iterdir())) == 2


def test_pictures_of_a_memory(arguments, tmp_path, vosbench, refused):
    one = ("--policies", "lfu:every=1", "--sequences", "ant")
    pictures = ("--occupancy", tmp_path / "occupancy.svg", "--overlay", tmp_path / "overlay.svg")
    outcome = vosbench(*arguments, *one, *pictures, "--at", 3)
    assert (outcome.status, outcome.out.splitlines()[-2:]) == (0, [*map(str, pictures[1::2])])
    assert "lfu:every=1 on ant" in (tmp_path / "occupancy.svg").read_text()
    sheet = (tmp_path / "overlay.svg").read_text()
    assert "after frame 3" in sheet
    assert "frame 3: 100% kept" in sheet
    assert "frame 4" not in sheet
    assert "show 1 strategy on 1 sequence, not 1 on 2" in refused(*arguments, "--policies", "lfu", *pictures)
    assert "not 2 on 1" in refused(*arguments, "--policies", "lfu,lru", "--sequences", "ant", *pictures)
    done = vosbench(*arguments, *one, *pictures, "--at", 6)
    assert (done.status, "ant has no frame 6" in done.err) == (2, True)


@pytest.fixture
def run(small_davis, tmp_path, vosbench):
    specs = ("first-only", "every-k:k=1", "Mine=latest-only", "lfu:every=1")
    asked = [word for spec in specs for word in ("-p", spec)]
    assert (
        vosbench("run", "--dataset", "davis2017", "--root", small_davis, *asked, "--out", tmp_path / "run").status == 0
    )
    return tmp_path / "run"


def test_against_a_run(arguments, small_davis, tmp_path, run, vosbench, refused, read_json, monkeypatch):
    outcome = vosbench(*arguments, "--against", run, "--reference", "every-k:k=1")
    assert outcome.status == 0
    assert ", over 4 strategies" in outcome.out
    written = read_json(tmp_path / "simulated.json")
    assert [row["strategy"] for row in written["rows"]] == ["first-only", "every-k:k=1", "Mine", "lfu:every=1"]
    assert written["rows"][1]["retained"] == pytest.approx(1)
    assert -1 <= written["against"]["rho"] <= 1
    assert set(written["against"]["jf"]) >= {row["strategy"] for row in written["rows"]}
    for others, message in (
        (("--sequences", "ant"), "another sequences than the simulation: ant, bee, not ant"),
        (("--top-k", 3), "another top-k, shorter side and affinity than the simulation: 20, None, l2, not 3, None, l2"),
        (("--split", "test-dev"), "another data set than"),
    ):
        assert message in refused(*arguments, "--against", run, *others)
    with monkeypatch.context() as patch:
        patch.setattr("vosbench.simulation.simulator.Simulator.record", None)  # told before the work
        frame = small_davis / "JPEGImages/480p/ant/00003.jpg"
        own = frame.read_bytes()
        shutil.copy(frame.with_name("00004.jpg"), frame)
        assert "holds other frames or masks than the run had" in refused(*arguments, "--against", run)
        frame.write_bytes(own)
        for record in (run / "records").glob("[!f]*/*"):
            record.rename(record.with_suffix(".away"))
        assert "too few for a rank correlation: 1 strategy" in refused(*arguments, "--against", run)
    for record in (run / "records/first-only").iterdir():
        text = json.loads(record.read_text())
        text["policy"]["source_hash"] = "0" * 16
        record.write_text(json.dumps(text))
    assert "first-only has changed since the run" in refused(*arguments, "--against", run)
    shutil.rmtree(run)
    assert "does not exist" in refused(*arguments, "--against", run)


@pytest.mark.parametrize(
    ("options", "messages"),
    [
        (("--policies", "lfo"), ["unknown strategy 'lfo'", "did you mean"]),
        (("--policies", "first-only", "--capacity", "1..3"), ["first-only has no capacity", "leave out"]),
        (("--policies", "lfu", "--capacity", "3..1"), ["the range 3..1 holds 0 capacities", "1..16"]),
        (("--policies", "lfu", "--capacity", "two"), ["'two' is no capacity", "1..16"]),
        (("--policies", "lfu", "--reference", "all"), ["unknown strategy 'all'"]),
        (("--policies", "lfu", "--plot", "curve.png"), ["no strategy has two capacities", "two or more"]),
        (
            ("--policies", "lfu", "--capacity", "1,2", "--plot", "c.gif"),
            ["cannot write a figure as c.gif", ".png, .svg"],
        ),
        (("--policies", "lfu", "--limit", 1, "--overlay", "sheet"), ["cannot write a figure as sheet", ".png, .svg"]),
        (("--policies", "lfu", "--sequences", "wasp"), ["unknown sequence 'wasp'"]),
        (("--policies", "lfu", "--top-k", 0), ["--top-k"]),
    ],
)
def test_faults(arguments, tmp_path, refused, options, messages):
    answer = refused(*arguments, *options)
    for message in messages:
        assert message in answer
    assert not (tmp_path / "traces").exists()


def test_only_faulty_settings_are_an_error(arguments, vosbench):
    outcome = vosbench(*arguments, "--policies", "fifo:every=1", "--capacity", "1", "--limit", 1)
    assert outcome.status == 2
    assert "ant, frame 1: the strategy must free 12 tokens" in outcome.err
    assert outcome.out == ""
