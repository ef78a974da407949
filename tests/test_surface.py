"""The scripting surface: what `import vosbench` offers, and that a path is taken as a text as well."""

import ast
import inspect
import shutil
import typing
from pathlib import Path

import pytest

import vosbench


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
