"""Strategies of a run tell themselves apart: folders that are readable and safe, labels, edited files."""

import json
from dataclasses import replace
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from my_idea import IDEA

from vosbench.bench.naming import PLAIN, RESERVED, folder_name, plain
from vosbench.bench.plan import Plan
from vosbench.bench.record import PolicyInfo, read_run
from vosbench.bench.runner import run
from vosbench.errors import VosbenchError
from vosbench.inference.controls import CONTROLS
from vosbench.report.lacks import lacks
from vosbench.report.tables.strategy import table


def named(spec: str, label: str | None = None) -> str:
    return folder_name(PolicyInfo("x", {}, spec, spec if label is None else label, "cafe", "strategy", 0))


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("first-only", "first-only"),
        ("every-k:k=5", "every-k_k=5"),
        ("xmem:min_frames=2,max_frames=3,prototypes=64", "xmem_min_frames=2,max_frames=3,prototypes=64"),
        ("gated:base=lfu(capacity=4),threshold=0.7", "gated_base=lfu(capacity=4),threshold=0.7"),
        ("./idea.py:capacity=4", "idea.py_capacity=4"),
        ("idea.py", "idea.py"),
    ],
)
def test_a_name_that_says_all(spec, name):
    assert named(spec) == name


@pytest.mark.parametrize(
    ("spec", "begins"),
    [
        ("a/idea.py:k=3", "idea.py_k=3-"),
        ("/home/me/idea.py", "idea.py-"),
        ("./Idea.py", "Idea.py-"),
        ("gated:base=./idea.py(k=3)", "gated_base=.-idea.py(k=3)-"),
        ("nul.py", "_nul.py-"),
        (f"{'a' * 300}.py", f"{'a' * 120}-"),
    ],
)
def test_what_a_name_cannot_say_is_in_a_hash(spec, begins):
    assert named(spec).startswith(begins)
    assert len(named(spec)) == len(begins) + 6


def test_the_name_of_a_data_set_makes_no_folder_in_a_folder():
    assert plain("a/b c-val:x\\y-stcn-tiny-0123") == "a-b c-val-x-y-stcn-tiny-0123"
    assert plain("synthetic-occlusion=5,length=12-stcn-tiny") == "synthetic-occlusion=5,length=12-stcn-tiny"


def test_a_label_is_the_name():
    assert named("./idea.py:capacity=4", "Mine") == "Mine"
    assert named("lfu", "LFU (ours)") == "LFU (ours)"
    assert named("lfu", "What?").startswith("What--")


@given(st.lists(st.text('aB/.:=*?<>|"\\ é\x01', max_size=8).map(lambda t: f"./{t}/idea.py"), unique=True))
def test_names_of_files_are_safe_and_differ(specs):
    names = [named(spec) for spec in specs]
    files = {"here" if PurePath(spec) == PurePath("idea.py") else spec for spec in specs}  # .//idea.py is ./idea.py
    assert len({name.casefold() for name in names}) == len(files)
    for name in names:
        assert all(c.isalnum() or c in PLAIN for c in name)
        assert not name.startswith((".", " "))
        assert not name.endswith((".", " "))
        assert name.partition(".")[0].casefold() not in RESERVED
        assert len(name.encode()) <= 127


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        (("Copy-first-mask=lfu",), "Copy-first-mask and copy-first-mask would share the folder copy-first-mask"),
        (("./idea.py", "idea.py=lfu"), r"\./idea\.py and idea\.py would share the folder idea\.py"),
    ],
)
def test_two_that_would_share_a_folder_are_refused(small_davis, small_suite, tmp_path, monkeypatch, policies, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "idea.py").write_text(IDEA)
    with pytest.raises(VosbenchError, match=message) as caught:
        Plan(small_suite(small_davis, policies=policies))
    assert "another label" in caught.value.hint


@pytest.mark.usefixtures("lent_pool")
def test_another_label_or_text_is_the_same_result(finished, small_suite, work):
    folder = finished / "run"
    before = read_run(folder)
    suite = small_suite(finished / "DAVIS", policies=("Mine=every-k:k=2", "first-only"))
    records = run(suite, folder, work)
    assert not work
    for part in ("masks", "records"):
        assert {path.name for path in (folder / part).iterdir()} == {"Mine", "first-only", *CONTROLS}
    after = read_run(folder)
    assert [r.policy.label for r in after][:2] == ["Mine", "Mine"]
    asked = [
        replace(r, suite=b.suite, policy=replace(r.policy, label=r.policy.spec))
        for r, b in zip(after, before, strict=True)
    ]
    assert asked == list(before)
    assert len(after) == len(records) == 8
    assert json.loads((folder / "records/Mine/ant.json").read_text())["policy"]["label"] == "Mine"
    run(replace(suite, policies=("every-k:last=false,k=2", "first-only")), folder, work)
    assert not work
    assert [r.policy.spec for r in read_run(folder)][:2] == ["every-k:last=false,k=2"] * 2


@pytest.mark.usefixtures("lent_pool")
@pytest.mark.parametrize("text", ["Mine=every-k:k=2", "every-k:last=false,k=2"])
def test_a_strategy_has_one_name_in_all_sequences(finished, small_suite, work, text):
    """In those that are not asked for, too; those of other shards are left to them."""
    folder, old = finished / "run", finished / "run/records/every-k_k=2"
    before = sorted(path.read_bytes() for path in folder.glob("masks/every-k_k=2/*/*.png"))
    suite = small_suite(finished / "DAVIS", policies=(text, "first-only"), controls=False)
    run(replace(suite, limit=1), folder, work)
    assert not work
    assert not old.exists()
    new = next(path for path in folder.glob("records/*") if path.name not in {"first-only", *CONTROLS})
    assert {path.name for path in new.iterdir()} == {"ant.json", "bee.json"}
    assert sorted(path.read_bytes() for path in folder.glob(f"masks/{new.name}/*/*.png")) == before
    assert {record.policy.text for record in read_run(folder)} == {text, "first-only", *CONTROLS}
    run(replace(suite, policies=("every-k:k=2",), shard="1/2"), folder, work)
    assert not work
    assert [path.name for path in new.iterdir()] == ["bee.json"]
    assert [path.name for path in old.iterdir()] == ["ant.json"]


@pytest.mark.usefixtures("lent_pool")
def test_a_name_is_of_one_strategy(finished, small_suite, work):
    """Whichever sequences are asked for: results of two would stand in one row."""
    folder, davis = finished / "run", finished / "DAVIS"
    run(small_suite(davis, policies=("A=every-k:k=2", "B=first-only")), folder)
    work.clear()
    before = read_run(folder)
    for policies, told in (
        (("A=fifo",), r"holds results of every-k:k=2 under the name A"),
        (("B=every-k:k=2",), r"holds results of first-only under the name B"),
        (("A=first-only", "B=every-k:k=2"), r"holds results of (every-k:k=2 under the name A|first-only under .* B)"),
    ):
        for limit in (1, None):
            suite = small_suite(davis, policies=policies, limit=limit)
            with pytest.raises(VosbenchError, match=told) as caught:
                run(suite, folder)
            assert "another label" in caught.value.hint
        assert read_run(folder) == before
    assert not work
    run(small_suite(davis, policies=("B=every-k:k=2", "A=first-only"), limit=1), folder, fresh=True)
    of = {"A": "first-only", "B": "every-k:k=2"}
    assert all(of.get(r.policy.label, r.policy.spec) == r.policy.spec for r in read_run(folder))
    assert {r.sequence for r in read_run(folder) if r.policy.kind == "strategy"} == {"ant"}


@pytest.mark.usefixtures("lent_pool")
def test_an_edited_strategy_file_is_another_strategy(small_davis, small_suite, tmp_path, work):
    source = tmp_path / "idea.py"
    text = (
        '"""idea: keeps nothing but the first frame."""\n'
        "from dataclasses import dataclass\n"
        "from vosbench.memory.policy import MemoryPolicy\n"
        "@dataclass\nclass Idea(MemoryPolicy):\n    def admit(self, step):\n        return False\n"
    )
    source.write_text(text)
    suite = small_suite(small_davis, policies=(str(source),), controls=False, limit=1)
    run(suite, tmp_path / "run", work)
    work.clear()
    run(suite, tmp_path / "run", work)
    assert not work
    source.write_text(text.replace("False", "True"))
    run(suite, tmp_path / "run", work)
    assert work == {(str(source), "ant")}
    run(replace(suite, limit=None), tmp_path / "run")
    source.write_text(text)
    run(replace(suite, limit=None, shard="1/2"), tmp_path / "run")  # bee is left to the other
    assert lacks(read_run(tmp_path / "run")) == (f"made by different code: {source}",)
    source.write_text(text + "# again")
    with pytest.warns(UserWarning, match=rf"thrown away, as other code had made it: {source} on bee"):
        run(suite, tmp_path / "run")
    assert [r.sequence for r in read_run(tmp_path / "run")] == ["ant"]


@pytest.mark.usefixtures("lent_pool")
def test_strategies_of_like_names_have_folders_of_their_own(small_davis, small_suite, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("a_b.py", "a/b.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(
            "from dataclasses import dataclass\nfrom vosbench.memory.policy import MemoryPolicy\n"
            f"@dataclass\nclass Idea(MemoryPolicy):\n    def admit(self, step):\n        return {'/' in path}\n"
        )
    suite = small_suite(small_davis, policies=("a/b.py", "a_b.py"), controls=False, limit=1)
    records = run(suite, tmp_path / "run")
    assert [r.policy.spec for r in records] == ["a/b.py", "a_b.py"]
    assert [max(r.memory.frames) for r in records] == [5, 1]
    assert len(table(read_run(tmp_path / "run")).frame) == 2
