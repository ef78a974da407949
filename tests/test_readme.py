"""What the README and those it leads to show is true: Python runs, examples keep their contract, commands parse."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vosbench.bench.record import read_run
from vosbench.bench.suite import read_suites
from vosbench.cli import main
from vosbench.cli.verbs import VERBS
from vosbench.datasets import DATASETS, open_dataset
from vosbench.images import read_labels, write_labels
from vosbench.inference.propagate import propagate
from vosbench.masks.score import score
from vosbench.memory.contract import check_contract
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import PolicySpec, load_policy
from vosbench.metrics.protocols import PROTOCOLS
from vosbench.models.checkpoint import load_model
from vosbench.models.families import FAMILIES
from vosbench.report.plots import FIGURES
from vosbench.report.tables import TABLES
from vosbench.video import Sequence

ROOT = Path(__file__).resolve().parents[1]
FILES = [ROOT / "README.md", ROOT / "policies/README.md", *sorted(ROOT.glob("vosbench/*/README.md"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
README = TEXTS["README.md"]
EVERYTHING = "\n".join(TEXTS.values())
BLOCKS = re.findall(r"```python\n(.*?)```", EVERYTHING, re.S)


def test_the_scripting_example_runs(tmp_path, monkeypatch, capsys):
    (example,) = (block for block in BLOCKS if "import vosbench\n" in block)
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), found)
    assert len(capsys.readouterr().out.splitlines()) == len(found["sequence"].frames)
    assert {record.policy.spec for record in found["records"]} >= {"lfu:capacity=2", "lfu:capacity=4"}


@pytest.fixture
def idea(tmp_path) -> str:
    (example,) = (block for block in BLOCKS if "(BoundedPolicy)" in block)
    (tmp_path / "idea.py").write_text(example)
    return str(tmp_path / "idea.py")


def test_the_example_of_a_strategy_keeps_the_contract(idea):
    assert check_contract(PolicySpec.parse(idea).build) == []


def test_the_example_of_a_strategy_runs(idea, small_model, small_clip):
    rgb, labels = small_clip
    sequence = Sequence.from_arrays(rgb, {0: labels[0]})
    whole = [p.timing.tokens for p in propagate(small_model, sequence, load_policy(f"{idea}:area=0"))]
    assert whole == [12] * 5 + [24] * 5 + [36] * 13
    strict = [p.timing.tokens for p in propagate(small_model, sequence, load_policy(f"{idea}:area=9999"))]
    assert strict == [12] * 23


def test_the_examples_of_a_table_and_a_figure(tmp_path):
    records = read_run(ROOT / "results/baseline")
    for registry, define in ((TABLES, "def table("), (FIGURES, "def figure(")):
        (example,) = (block for block in BLOCKS if define in block)
        (tmp_path / "example.py").write_text(example)
        made = registry.find(str(tmp_path / "example.py"))(records)
        specs = list(dict.fromkeys(record.policy.spec for record in records))
        if registry is TABLES:
            worst = {row["strategy"]: row["jf"] for row in made.rows}
            assert list(worst) == specs
            assert all(worst[row["strategy"]] <= row["jf"] for row in TABLES.find("sequence")(records).rows)
        else:
            assert [line.get_label() for line in made.axes[0].lines] == specs


@pytest.fixture
def mynet(tmp_path) -> str:
    (example,) = (block for block in BLOCKS if "(Network)" in block)
    (tmp_path / "mynet.py").write_text(example)
    return str(tmp_path / "mynet.py")


def test_the_example_of_a_network_keeps_the_contract(mynet, capsys):
    assert main(["check", "model", mynet]) == 0
    assert capsys.readouterr().err.strip() == f"{mynet}: 11 checks, sound"


def test_the_example_of_a_network_segments(mynet, small_clip):
    """Two squares of one colour each: better than a first mask that is copied."""
    labels = small_clip[1]
    sequence = Sequence.from_arrays(
        np.array([(90, 90, 90), (230, 40, 30), (30, 60, 220)], np.uint8)[labels], {0: labels[0]}
    )
    masks = [p.mask for p in propagate(load_model(mynet), sequence, load_policy("lfu"))]
    found, copied = ((np.stack(one)[9:] == labels[9:])[labels[9:] > 0].mean() for one in (masks, [labels[0]] * 23))
    assert found > copied + 0.2


@pytest.fixture
def plugged_in(tmp_path, small_davis) -> Callable[[str], str]:
    """The path of a file with the example that defines something; beside it the folders `videos` and `masks`."""
    for name in ("ant", "bee"):
        shutil.copytree(small_davis / "JPEGImages/480p" / name, tmp_path / "videos" / name / "frames")
        shutil.copytree(small_davis / "Annotations/480p" / name, tmp_path / "videos" / name / "masks")
        shutil.copytree(small_davis / "Annotations/480p" / name, tmp_path / "masks" / name)

    def write(defines: str) -> str:
        (example,) = (block for block in BLOCKS if defines in block)
        (tmp_path / "example.py").write_text(example)
        return str(tmp_path / "example.py")

    return write


def test_the_example_of_a_data_set(plugged_in, tmp_path, capsys):
    arguments = ["--dataset", plugged_in("(Dataset)"), "--root", str(tmp_path / "videos")]
    assert main(["check", *arguments]) == 0
    assert main(["score", str(tmp_path / "masks"), *arguments, "--no-cache", "--jobs", "1"]) == 0
    assert "together all, protocol davis2017/1; 3 objects" in " ".join(capsys.readouterr().out.split())
    asked = ["--no-controls", "--threads", "1", "--out", str(tmp_path / "run")]
    assert main(["run", *arguments, "-p", "first-only", *asked]) == 0
    assert {(r.sequence, r.dataset.name) for r in read_run(tmp_path / "run")} == {
        ("ant", "together"),
        ("bee", "together"),
    }


def test_the_example_of_a_protocol(plugged_in, tmp_path):
    hidden = tmp_path / "videos/ant/masks/00003.png"
    labels = read_labels(hidden)
    write_labels(hidden, np.where(labels == 2, 0, labels))
    videos = open_dataset(plugged_in("(Dataset)"), tmp_path / "videos")
    scores = score(tmp_path / "masks", videos, plugged_in("(ObjectRule)"), jobs=1)
    assert scores.protocol == "visible/1"
    frames = {(t.sequence, t.object_id): [int(name) for name in t.frames] for t in scores.traces}
    assert frames == {("ant", 1): [1, 2, 3, 4], ("ant", 2): [1, 2, 4], ("bee", 1): [1, 2, 3, 4]}


def test_the_example_of_a_verb(plugged_in, tmp_path, small_davis, capsys):
    arguments = ["--dataset", "davis2017", "--root", str(small_davis), "--json", str(tmp_path / "found.json")]
    assert main([plugged_in("Verb(frames"), *arguments]) == 0
    assert capsys.readouterr().out == "12 frames\n"
    assert json.loads((tmp_path / "found.json").read_text())["result"] == {"frames": 12}


def test_every_kind_of_thing_has_its_row():
    """What can be added is what registries say."""
    registries = (POLICIES, FAMILIES, DATASETS, PROTOCOLS, TABLES, FIGURES, VERBS)
    rows = re.findall(r"^\| \[an? ([\w ]+)\]\(.*`([^`]*/)` \| `([\w.]+)` \|$", README, re.M)
    assert [(kind, group) for kind, _, group in rows] == [(registry.kind, registry.group) for registry in registries]
    assert all((ROOT / folder).is_dir() for _, folder, _ in rows)


def test_every_protocol_is_in_the_table_of_protocols():
    (part,) = re.findall(r"^(\| name \| objects.*?)\n\n## ", TEXTS["vosbench/metrics/README.md"], re.S | re.M)
    assert {name for name in PROTOCOLS.names() if f"`{name}`" not in part} == set()


def test_the_example_of_a_suite_can_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "night.toml").write_text(*re.findall(r"```toml\n(.*?)```", EVERYTHING, re.S))
    suites = read_suites("night.toml")
    assert [suite.dataset for suite in suites] == ["davis2017", "youtube-vos-2019"]
    assert len(suites[0].strategies()) == 1 + 3 + 2 * 3
    for spec in suites[0].policies:
        PolicySpec.parse(spec)


def test_every_module_is_in_the_tree():
    (tree,) = re.findall(r"```\nvosbench/\n(.*?)```", README, re.S)
    named = {word for line in tree.splitlines() if line.startswith("  ") for word in line[2:33].split()}
    modules = {path.name for path in (ROOT / "vosbench").glob("*.py") if path.name != "__init__.py"}
    packages = {path.name + "/" for path in (ROOT / "vosbench").iterdir() if any(path.glob("*.py"))}
    assert named == modules | packages


def section(heading):
    return README.partition(f"{heading}\n")[2].partition("\n#")[0]


def test_every_strategy_is_in_the_table():
    assert set(re.findall(r"^\| `([\w-]+)` \|", section("## Strategies"), re.M)) == set(POLICIES.names())


def test_every_data_set_is_in_the_table():
    rows = re.findall(r"^\| (`.+?) \|", TEXTS["vosbench/datasets/README.md"].partition("\n## ")[0], re.M)
    named = re.findall(r"`([\w-]+)`", " ".join(rows).replace("`-2019`", "`youtube-vos-2019`"))
    assert sorted(named) == list(DATASETS.names())


def anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", FILES, ids=list(TEXTS))
def test_every_link_leads_somewhere(path):
    for target, anchor in re.findall(r"\]\((?!http)([^)#\s]*)(?:#([^)\s]+))?\)", path.read_text(encoding="utf-8")):
        found = path.parent / target if target else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found.read_text(encoding="utf-8")), (target, anchor)


def test_the_readme_leads_to_every_other():
    assert [name for name in TEXTS if f"({name}" not in README] == ["README.md"]


@pytest.mark.parametrize("line", re.findall(r"^vosbench (?!VERB)[^#\n]+", EVERYTHING, re.M))
def test_every_option_of_every_command_exists(line, capsys):
    verb, *arguments = shlex.split(line)[1:]
    assert main([verb, "--help"]) == 0
    known = capsys.readouterr().out
    for argument in arguments:
        if argument.startswith("-"):
            assert re.search(rf"(^|[\s,]){argument}\b", known), f"{verb} has no {argument}"
