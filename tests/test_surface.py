"""The scripting surface: what `import vosbench` offers, and that a path is taken as a text as well."""

import ast
import inspect
import shutil
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest.mock import NonCallableMock

import numpy as np
import pytest

import vosbench
from vosbench.datasets import Dataset
from vosbench.simulation.study import settings


def doors() -> dict[str, typing.Any]:
    """Every public callable by its name: functions, classes, and the public methods of classes."""
    found = {name: getattr(vosbench, name) for name in vosbench.__all__ if name != "__version__"}
    for name, value in tuple(found.items()):
        if inspect.isclass(value):
            methods = inspect.getmembers(value, lambda member: inspect.isfunction(member) or inspect.ismethod(member))
            found |= {f"{name}.{method}": function for method, function in methods if not method.startswith("_")}
            found[name] = value.__init__
    return found


DOORS = doors()


def members(hint: typing.Any) -> list[typing.Any]:
    """The types that an annotation names, inside of unions and containers too."""
    return [hint, *(kind for part in typing.get_args(hint) for kind in members(part))]


def seen_by_a_type_checker() -> set[str]:
    """What a type checker sees of the surface, since it cannot know what is imported when it is used."""
    source = ast.parse(Path(vosbench.__file__).read_text())
    (block,) = (node.body for node in source.body if isinstance(node, ast.If))
    names = {alias.asname for node in block if isinstance(node, ast.ImportFrom) for alias in node.names}
    return names | {node.target.id for node in block if isinstance(node, ast.AnnAssign)}


def test_the_surface_is_what_dir_shows():
    assert dir(vosbench) == sorted(vosbench.__all__) == sorted(seen_by_a_type_checker())
    assert {"score", "run", "Suite", "open_dataset", "load_model", "__version__"} <= set(dir(vosbench))
    assert vosbench.__version__.split(".")[0].isdigit()
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        vosbench.scores  # noqa: B018


@pytest.mark.parametrize("door", DOORS)
def test_what_takes_a_path_takes_a_text(door):
    hints = typing.get_type_hints(DOORS[door])
    hints.pop("return", None)
    taking = {name: members(hint) for name, hint in hints.items() if Path in members(hint)}
    assert [name for name, kinds in taking.items() if str not in kinds] == []


# Names of parameters that may be a file of one's own. Those of a class's fields are its constructor's.
OF_ONES_OWN = {"model", "policy", "policies", "protocol", "reference", "dataset"}


def test_what_may_be_a_file_of_ones_own_says_so():
    hints = {door: typing.get_type_hints(function) for door, function in DOORS.items()}
    hints |= {
        "open_dataset": {"dataset": hints["open_dataset"]["name"]},
        "load_model": {"model": hints["load_model"]["name"]},
    }
    named = {
        (door, name): members(hint) for door, of in hints.items() for name, hint in of.items() if name in OF_ONES_OWN
    }
    silent = [place for place, kinds in named.items() if Path not in kinds and Dataset not in kinds]
    assert silent == []
    assert len(named) > 12
    suite = vosbench.Suite(
        Path("mine.py"), model=Path("net.py"), protocol=Path("rules.py"), policies=(Path("idea.py"),)
    )
    assert suite == vosbench.Suite("mine.py", model="net.py", protocol="rules.py", policies=("idea.py",))
    assert vosbench.PolicySpec.parse(Path(__file__).parents[1] / "policies/lfu.py").name == "lfu"


def test_there_are_paths_to_take():
    hints = {door: typing.get_type_hints(function) for door, function in DOORS.items()}
    assert sum(Path in members(hint) for of in hints.values() for hint in of.values()) >= 9


def test_a_text_does_what_a_path_does(small_davis, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(small_davis / "Annotations/480p", "masks")
    shutil.rmtree("masks/cat")
    data = vosbench.open_dataset("davis2017", "DAVIS")
    assert data.root == Path("DAVIS")
    scores = vosbench.score("masks", data, jobs=1, cache="kept").objects
    assert scores == vosbench.score(Path("masks"), vosbench.open_dataset("davis2017", Path("DAVIS")), jobs=1).objects
    assert list(Path("kept").iterdir())
    problems = vosbench.check_predictions("masks", data, jobs=1)
    assert problems == vosbench.check_predictions(Path("masks"), data, jobs=1)
    assert vosbench.Suite("davis2017", "DAVIS") == vosbench.Suite("davis2017", Path("DAVIS"))
    with pytest.raises(vosbench.VosbenchError, match="absent is not a folder"):
        vosbench.export("absent", vosbench.open_dataset("davis2017", "DAVIS", "test-dev"), "masks.zip")


def test_a_run_in_a_folder_by_its_name(small_davis, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    suite = vosbench.Suite("davis2017", str(small_davis), policies=("first-only",), controls=False, limit=1)
    records = vosbench.run(suite, "out")
    assert records == vosbench.read_run("out") == vosbench.read_run(Path("out"))
    assert Path("out/masks").is_dir()


# A step looks for itself, at its frame and masks; what a cluster does is asked by `run`.
UNCHECKED = ("VosbenchError", "Session.step", "Session.steps", "Cluster.adapted", "Cluster.work_off")
CHECKED = {door: getattr(vosbench, door, function) for door, function in DOORS.items()}
CHECKED = {door: function for door, function in CHECKED.items() if door not in UNCHECKED}
# A spec is made by `parse`, and holds values against the strategy's own parameters.
CHECKED = {d: f for d, f in CHECKED.items() if not d.startswith("PolicySpec") or d == "PolicySpec.parse"}


def fitting(hint: typing.Any) -> typing.Any:
    """A value of the type."""
    for kind, value in ((tuple, ()), (Sequence, ()), (Mapping, {}), (str, "x"), (np.ndarray, np.zeros(1))):
        if kind in (hint, typing.get_origin(hint), *typing.get_args(hint)):
            return value
    return NonCallableMock(spec=hint)


@pytest.mark.parametrize(
    ("door", "argument"),
    [(door, name) for door in CHECKED for name in typing.get_type_hints(DOORS[door]) if name != "return"],
)
def test_an_argument_of_another_type_is_one_line_that_names_it(door, argument):
    function, hints = CHECKED[door], typing.get_type_hints(DOORS[door])
    needed = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    with pytest.raises(vosbench.VosbenchError, match=rf"^(unknown )?{argument} ") as caught:
        function(**{name: fitting(hints[name]) for name in needed} | {argument: object()})
    assert "\n" not in caught.value.message
    assert caught.value.hint


WRONG = {
    "a name for a data set": (lambda: vosbench.score("x", "davis2016"), "dataset must be of type Dataset, not 'davis"),
    "no jobs": (lambda: vosbench.score("x", NonCallableMock(spec=Dataset), jobs=0), "jobs must be at least 1, not 0"),
    "a strategy for a suite": (lambda: vosbench.run("lfu"), "suite must be of type Suite, not 'lfu'"),
    "a number for a spec": (
        lambda: vosbench.PolicySpec.parse(3),
        "entry must be of type str or Path or PolicySpec, not 3",
    ),
    "no strategy": (lambda: vosbench.load_policy(None), "spec must be of type str or Path or PolicySpec, not None"),
    "a number for a model": (lambda: vosbench.load_model(3), "name must be of type str or Path, not 3"),
    "a number for a split": (lambda: vosbench.Suite(split=3), "split must be of type str, not 3"),
    "a text for a list": (
        lambda: vosbench.Suite(policies="lfu"),
        "policies must be a list of str or Path or PolicySpec, not",
    ),
    "a number in a list": (lambda: vosbench.Suite(policies=["lfu", 3]), r"policies\[1\] must be of type str or Pa"),
    "a text for a number": (lambda: vosbench.Suite(top_k="x"), "top_k must be of type int, not 'x'"),
    "a truth for a number": (lambda: vosbench.Suite(limit=True), "limit must be of type int, not True"),
    "too small a number": (
        lambda: vosbench.Suite(shorter_side=-1),
        "shorter_side must be at least 16 pixels or 0, not -1",
    ),
    "too many threads": (lambda: vosbench.Suite(threads=100_000), "threads must be at most 1024, not 100000"),
    "too many threads to simulate": (
        lambda: vosbench.simulate(NonCallableMock(spec=Dataset), ["lfu"], threads=1025),
        "threads must be at most 1024, not 1025",
    ),
    "no capacity": (lambda: settings(["lfu"], [0]), "capacity must be at least 1, not 0"),
    "an empty list of capacities": (lambda: settings(["lfu"], []), "the list of capacities is empty"),
    "a capacity twice": (lambda: settings(["lfu"], [2, 2.0]), "names a capacity twice"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_values(what):
    call, said = WRONG[what]
    with pytest.raises(vosbench.VosbenchError, match=f"{said}") as caught:
        call()
    assert caught.value.hint


def test_other_forms_of_the_right_type():
    suite = vosbench.Suite(policies=["lfu"], sequences=["a"], top_k=np.int64(5))
    assert suite == vosbench.Suite(policies=("lfu",), sequences=("a",), top_k=5)
    assert type(suite.top_k) is int
    assert [*map(str, settings(["lfu"], [1, np.float32(2)]))] == [*map(str, settings(["lfu"], "1,2"))]
    assert vosbench.load_policy(vosbench.Suite().policies[0]).k == 5


def test_a_file_of_ones_own_is_given_by_its_path_too(tmp_path):
    folder = Path(vosbench.__file__).parents[1] / "policies"
    assert vosbench.load_policy(folder / "fifo.py").capacity == vosbench.load_policy("fifo").capacity
    source = "from vosbench.datasets.folder import Folder\nclass Mine(Folder):\n    name = 'mine'\n"
    (tmp_path / "mine.py").write_text(source)
    (tmp_path / "JPEGImages/ant").mkdir(parents=True)
    assert vosbench.open_dataset(tmp_path / "mine.py", tmp_path).name == "mine"
