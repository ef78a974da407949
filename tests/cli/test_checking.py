"""`check` and `list`: data sets, masks and strategies."""

import json
import shutil
from dataclasses import astuple

import numpy as np
import pytest

from vosbench.datasets import DATASETS
from vosbench.images import read_labels, write_labels


def test_check(small_davis, tmp_path, vosbench, read_json):
    arguments = ("check", "--dataset", "davis2017", "--root", small_davis, "--json", tmp_path / "check.json")
    outcome = vosbench(*arguments)
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err.endswith("2 sequences, sound\n")
    assert read_json(tmp_path / "check.json")["problems"] == []
    (small_davis / "JPEGImages/480p/ant/00002.jpg").unlink()
    (small_davis / "Annotations/480p/bee/00001.png").write_bytes(b"")
    outcome = vosbench(*arguments)
    assert outcome.status == 2
    assert outcome.err.endswith("problems\n")
    problems = read_json(tmp_path / "check.json")["problems"]
    assert outcome.out.count("hint: ") == len(problems) >= 2
    assert any("bee/00001.png is not a readable PNG" in problem["message"] for problem in problems)
    assert any("ant lacks frames 00002" in problem["message"] for problem in problems)


def test_check_of_predictions(small_davis, tmp_path, vosbench, read_json):
    predicted = tmp_path / "masks"
    shutil.copytree(small_davis / "Annotations/480p", predicted)
    shutil.rmtree(predicted / "cat")
    for path in predicted.rglob("*.png"):
        write_labels(path, np.roll(read_labels(path), 1, axis=1))
    arguments = ("check", predicted, "--dataset", "davis2017", "--root", small_davis, "--json", tmp_path / "check.json")
    outcome = vosbench(*arguments)
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err == f"{predicted} for davis2017 val: 2 sequences, sound\n"
    (predicted / "ant/00003.png").unlink()
    write_labels(predicted / "bee/00002.png", read_labels(predicted / "bee/00002.png") * 9)
    outcome = vosbench(*arguments)
    assert outcome.status == 2
    assert outcome.err == f"{predicted} for davis2017 val: 2 sequences, 2 problems\n"
    assert [problem["message"] for problem in read_json(tmp_path / "check.json")["problems"]] == [
        f"{predicted / 'ant'} lacks 1 of 4 masks: frames 00003",
        f"{predicted / 'bee'} holds ids that the ground truth does not have: 9, first in 00002",
    ]
    outcome = vosbench(*arguments, "--sequences", "bee")
    assert outcome.err == f"{predicted} for davis2017 val: 1 sequence, PARTIAL, 1 problem\n"
    assert json.loads((tmp_path / "check.json").read_text())["conditions"]["partial"]
    private = vosbench("check", predicted, "--dataset", "davis2017", "--root", small_davis, "--split", "test-dev")
    assert private.status == 2
    assert "lacks 1 of 1 sequences: cat" in private.out


def test_one_fault_of_many_masks_is_one_line(small_davis, tmp_path, vosbench, read_json):
    for name, frames in (("ant", (1, 2, 3)), ("bee", (4,))):
        for t in frames:
            path = small_davis / f"Annotations/480p/{name}/{t:05d}.png"
            write_labels(path, (read_labels(path) > 0).astype(np.uint8) * 255)
    outcome = vosbench("check", "--dataset", "davis2017", "--root", small_davis, "--json", tmp_path / "check.json")
    ant, first, bee, second = outcome.out.splitlines()
    assert "ant/00001.png is a 0/255 mask" in ant
    assert ant.endswith(f" (and 2 more files of {small_davis / 'Annotations/480p/ant'})")
    assert "bee/00004.png is a 0/255 mask" in bee
    assert "more file" not in bee
    assert first == second
    assert len(read_json(tmp_path / "check.json")["problems"]) == 4
    assert outcome.err.endswith("4 problems\n")


def test_a_sequence_whose_name_begins_with_at_goes_through_a_file(small_davis, tmp_path, vosbench, refused):
    for kind in ("JPEGImages", "Annotations"):
        shutil.copytree(small_davis / kind / "480p/ant", tmp_path / "videos" / kind / "@x")
    data = ("check", "--dataset", "folder", "--root", tmp_path / "videos", "--sequences")
    assert "name in one, too, a sequence whose own name begins with @" in refused(*data, "@x")
    (tmp_path / "names.txt").write_text("@x\n")
    assert vosbench(*data, f"@{tmp_path / 'names.txt'}").err.endswith("1 sequence, sound\n")


IDEA = """
from dataclasses import dataclass
from vosbench.memory.policy import BoundedPolicy

@dataclass
class Idea(BoundedPolicy):
    def victims(self, count, incoming):
        return self.bank.by_age()[-count:]
"""


def test_check_of_a_strategy(tmp_path, monkeypatch, vosbench, read_json):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "idea.py").write_text(IDEA + "    def score(self, frame):\n        return None\n")
    spec = "gated:base=idea.py(every=2),timeout=3"
    assert astuple(vosbench("check", "policy", spec)) == (0, "", f"{spec}: 13 checks, sound\n")
    (tmp_path / "idea.py").write_text(IDEA.replace("-count:", "1 - count:") + "    score = None\n")
    outcome = vosbench("check", "policy", "./idea.py:every=3", "--json", "check.json")
    assert outcome.status == 2
    assert outcome.err == "./idea.py:every=3: 13 checks, 1 problem\n"
    line, hint = outcome.out.splitlines()
    assert line == "idea.py:7: frame 6: victims: names 5 slots, not the 6 asked for"
    assert hint.startswith("  hint: ")
    assert json.loads((tmp_path / "check.json").read_text())["conditions"] == {
        "policy": "./idea.py:every=3",
        "checks": 13,
    }
    assert read_json(tmp_path / "check.json") == {
        "problems": [{"message": line, "hint": hint.removeprefix("  hint: ")}]
    }


def test_predictions_may_lie_in_a_folder_called_policy(small_davis, tmp_path, monkeypatch, vosbench):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_davis / "Annotations/480p", tmp_path / "policy")
    shutil.rmtree(tmp_path / "policy/cat")
    for path in (tmp_path / "policy").rglob("*.png"):
        write_labels(path, np.roll(read_labels(path), 1, axis=1))
    outcome = vosbench("check", "policy", "--dataset", "davis2017", "--root", small_davis)
    assert astuple(outcome) == (0, "", "policy for davis2017 val: 2 sequences, sound\n")


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("policies", ["every-k", "fifo", "first-and-latest", "first-only", "latest-only", "lfu", "lfu-softmax"]),
        ("datasets", DATASETS.names()),
        ("models", ["stcn-tiny"]),
        ("networks", ["stcn"]),
        ("suites", ["paper-table1"]),
        ("tables", ["strategy"]),
        ("figures", ["accuracy-against-speed"]),
        ("protocols", ["davis2017", "davis2016"]),
        ("configs", ["paper", "stcn-tiny", "stcn-tiny-two-stages"]),
        ("verbs", ["run", "score", "list"]),
    ],
)
def test_list(tmp_path, vosbench, what, names, read_json):
    outcome = vosbench("list", what, "--json", tmp_path / "list.json")
    assert outcome.status == 0
    printed = [line.split()[0] for line in outcome.out.splitlines()]
    assert set(names) <= set(printed)
    assert [row["name"] for row in read_json(tmp_path / "list.json")[what]] == printed


def test_list_shows_parameters_with_their_defaults(vosbench):
    lines = {line.split()[0]: line for line in vosbench("list").out.splitlines()}
    assert lines["lfu"].partition("  [")[2].startswith("capacity=2.0, every=5, pin_first=false")
    assert "append every k-th frame" in lines["every-k"]
