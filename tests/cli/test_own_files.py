"""What is wrong in a file of one's own is said of that file, and of no other."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import toy_network

from vosbench.report.plots import FIGURES

STRATEGIES = ("-p", "lfu:every=1", "-p", "first-only")


@pytest.fixture
def toy(tmp_path, monkeypatch, small_davis):
    """A run with the toy network, of which a text is replaced, and the line where its class begins."""
    monkeypatch.chdir(tmp_path)
    text = Path(toy_network.__file__).read_text()
    line = 1 + text[: text.index("class Toy")].count("\n")

    def write(before, after):
        assert before in text
        Path("toy.py").write_text(text.replace(before, after))
        return ("--dataset", "davis2017", "--root", small_davis, "--limit", 1, "--model", "toy.py"), line

    return write


@pytest.mark.usefixtures("scored_in_a_thread")
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('Spec("toy", CK,', 'Spec("toy", CK + 1,', "tokens gives [48, 4], and by its spec it must be [48, 5]"),
        (
            'Spec("toy", CK, CV, STRIDE,',
            'Spec("toy", CK, CV, 16,',
            "tokens gives [48, 4], and by its spec it must be [12, 4]",
        ),
        (
            'Spec("toy", CK, CV,',
            'Spec("toy", CK, CV + 1,',
            "encode_value gives [2, 6, 6, 8], and by its spec it must be [2, 7, 6, 8]",
        ),
        ("return full[:, 0],", "return full,", "decode gives [2, 1, 48, 64], and by its spec it must be [2, 48, 64]"),
        (
            "return Keys(tokens.key, {",
            "return Keys(tokens.key[1:], {",
            "query gives [47, 4], and by its spec it must be [48, 4]",
        ),
        (
            '{"shrinkage": shrinkage.square() + 1,',
            '{"shrinkage": shrinkage.square()[:, 0] + 1,',
            "tokens, shrinkage, gives [48], and by its spec it must be [48, 1]",
        ),
    ],
)
def test_a_network_is_blamed_for_shapes(toy, vosbench, refused, before, after, said):
    data, line = toy(before, after)
    outcome = vosbench("run", *data, *STRATEGIES, "--no-controls", "--out", "run")
    assert outcome.status == 2
    assert f"toy.py:{line}: {said}" in outcome.err
    assert "check model" in outcome.err
    assert "policies" not in outcome.err
    if said.startswith(("tokens", "query")):  # a simulation asks for keys alone
        assert f"toy.py:{line}: {said}\n" in refused("simulate", *data, "-p", "first-only", "--jobs", 1)


def test_a_network_that_wants_an_argument(toy, refused):
    data, line = toy("def __init__(self)", "def __init__(self, width)")
    said = f"toy.py:{line}: a network is made without arguments: missing a required argument: 'width'\ngive each"
    assert said in refused("check", "model", "toy.py")
    assert said in refused("run", *data)


def test_what_a_check_of_a_file_cannot_say_it_does_not_promise(toy, refused):
    toy(
        "    @property\n    def spec",
        "    @classmethod\n    def configs(cls):\n        return ()\n\n    @property\n    def spec",
    )
    assert "says more" not in refused("check", "model", "toy.py")


TABLE = """from vosbench.report.measures import STRATEGY, JF
from vosbench.report.table import Table

def table(records):
    return Table(STRATEGY, [{"strategy": "lfu", "jf": 0.5}], "Mine.")
"""


@pytest.fixture
def finished(finished_run, tmp_path):
    return shutil.copytree(finished_run / "run", tmp_path / "run")


def test_an_own_table_with_a_column_too_few_is_named(finished, refused, tmp_path):
    (tmp_path / "mine.py").write_text(TABLE)
    said = refused("table", finished, "--by", tmp_path / "mine.py")
    assert "mine.py:5: ValueError: the table has no column for 'jf'" in said


def test_an_own_table_has_the_conditions_of_its_records(finished, vosbench, tmp_path):
    (tmp_path / "mine.py").write_text(TABLE.replace("Table(STRATEGY", "Table((*STRATEGY, JF)"))
    own, shipped = (
        json.loads(vosbench("table", finished, *by, "--json", "-").out) for by in (["--by", tmp_path / "mine.py"], [])
    )
    assert own["result"] == {"caption": "Mine.", "rows": [{"strategy": "lfu", "jf": 0.5}]}
    assert own["conditions"] == shipped["conditions"] != {}


def test_columns_choose_in_json_too(finished, vosbench):
    outcome = vosbench("table", finished, "--columns", "strategy,fps", "--json", "-")
    assert {tuple(row) for row in json.loads(outcome.out)["result"]["rows"]} == {("strategy", "model_fps")}


def test_what_a_verb_prints_while_it_is_loaded_is_no_answer(vosbench, tmp_path):
    (tmp_path / "verb.py").write_text(
        "from vosbench.cli.verbs import Answer, Verb\nprint('hello')\n"
        "def greet() -> Answer:\n    return Answer()\nVERB = Verb(greet, 'vosbench ./verb.py')\n"
    )
    outcome = vosbench(tmp_path / "verb.py", "--json", "-")
    assert json.loads(outcome.out)["result"] == {}
    assert "hello" in outcome.err


def test_a_fault_of_our_drawing_is_not_blamed_on_a_strategy(finished, vosbench, tmp_path, monkeypatch):
    """It is a fault of this program, so that a traceback is what helps."""
    from vosbench.report.drawing import capacity

    (tmp_path / "idea.py").write_text(
        "from vosbench.memory.policy import MemoryPolicy\nclass Idea(MemoryPolicy): ...\n"
    )
    vosbench("check", "policy", tmp_path / "idea.py")  # it is loaded
    for name in [name for name in sys.modules if name.startswith(("vosbench_tables", "vosbench_figures"))]:
        monkeypatch.delitem(sys.modules, name)  # of other tests
    monkeypatch.setattr("vosbench.report.plots.accuracy_against_speed.draw_trade_off", capacity.draw_curves)
    assert "accuracy-against-speed" in FIGURES.names()
    with pytest.raises(TypeError):
        vosbench("plot", finished, "--only", "accuracy-against-speed", "--out", tmp_path / "figures")


PROTOCOL = """from dataclasses import dataclass, replace
from vosbench.metrics.published.vos_benchmark import VOS_BENCHMARK
from vosbench.metrics.rules.base import ObjectRule

@dataclass(frozen=True)
class Visible(ObjectRule):
    def objects(self):
        return [1]

MINE = replace(VOS_BENCHMARK, name="mine", version=1, objects=Visible())
"""


def test_a_method_that_takes_too_little_is_blamed_on_its_file_alone(small_davis, tmp_path, vosbench, refused):
    (tmp_path / "idea.py").write_text(
        "from vosbench.memory.policy import MemoryPolicy\nclass Idea(MemoryPolicy): ...\n"
    )
    vosbench("check", "policy", tmp_path / "idea.py")  # it is loaded
    (tmp_path / "mine.py").write_text(PROTOCOL)
    masks = (small_davis / "Annotations/480p", "--dataset", "davis2017", "--root", small_davis, "--jobs", 1)
    said = refused("score", *masks, "--protocol", tmp_path / "mine.py")
    assert f"what {tmp_path}/mine.py gives leads to TypeError: Visible.objects() takes 1" in said


def test_what_a_protocol_gives_is_not_blamed_on_a_data_set(small_davis, tmp_path, refused):
    (tmp_path / "data.py").write_text(
        "from vosbench.datasets.davis import Davis2017\nclass Mine(Davis2017):\n    name = 'mine'\n"
    )
    (tmp_path / "mine.py").write_text(PROTOCOL.replace("objects(self)", "frames_of(self, *asked)"))
    masks = (small_davis / "Annotations/480p", "--dataset", tmp_path / "data.py", "--root", small_davis, "--jobs", 1)
    said = refused("score", *masks, "--protocol", tmp_path / "mine.py")
    assert f"{tmp_path}/mine.py gives leads to AttributeError: 'int' object has no attribute" in said
    assert "data.py" not in said


def test_a_comma_in_the_name_of_a_file_parts_strategies(tmp_path, refused):
    (tmp_path / "a, b.py").write_text("")
    assert "has a comma in its name, and commas part strategies" in refused("run", "-p", tmp_path / "a, b.py")
