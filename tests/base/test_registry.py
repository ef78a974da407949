"""One way to find whatever can be plugged in."""

import importlib
import pickle
import shutil
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import pytest
from colours import Colour, call_late

from vosbench.base import own_files, registry
from vosbench.base.processes import Crew
from vosbench.base.registry import Registry, as_class
from vosbench.errors import VosbenchError


def accept(loaded: object, origin: str) -> type[Colour]:
    return as_class(loaded, Colour, "colour", origin)


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> Registry[type[Colour]]:
    module = ModuleType("some_colours")
    module.Colour = Colour  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "some_colours", module)
    return Registry("colour", "vosbench.colours", lambda: {"plain": "some_colours:Colour"}, accept)


def test_what_ships_is_found_by_name_and_near_misses_are_told(shipped: Registry[type[Colour]]) -> None:
    assert shipped.names() == ("plain",)
    assert shipped.find("plain") is Colour
    for near in ("plan", "PLAIN"):
        with pytest.raises(VosbenchError, match=f"unknown colour '{near}'") as caught:
            shipped.find(near)
        assert "did you mean plain" in caught.value.hint
        assert ".py" in caught.value.hint


def test_a_file_is_loaded_once_until_it_changes(tmp_path: Path, shipped: Registry[type[Colour]]) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import some_colours\nclass Red(some_colours.Colour): pass\n")
    first = shipped.find(str(path))
    assert first.__name__ == "Red"
    assert shipped.find(str(path)) is first
    path.write_text("import some_colours\nclass Blue(some_colours.Colour): pass\n")
    assert shipped.find(str(path)).__name__ == "Blue"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1", "one colour, but defines 0"),
        (
            "import some_colours as s\nclass A(s.Colour): pass\nclass B(s.Colour): pass",
            "one colour, but defines 2",
        ),
        ("1/0", "fails to load: ZeroDivisionError: division by zero"),
        ("def", "fails to load: SyntaxError"),
        ("import sys; sys.exit(0)", "fails to load: SystemExit: 0"),
    ],
)
def test_a_file_that_is_no_such_thing(tmp_path: Path, shipped: Registry[type[Colour]], source: str, said: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source)
    with pytest.raises(VosbenchError, match=said):
        shipped.find(str(path))


def test_a_file_imports_modules_from_beside_it(tmp_path: Path, shipped: Registry[type[Colour]]) -> None:
    source = "import some_colours\nfrom {} import shade\nclass Red(some_colours.Colour): value = shade()\n"
    for folder, value in (("one", 1), ("two", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "beside_a_colour.py").write_text(f"def shade(): return {value}\n")
        (tmp_path / folder / f"only_in_{folder}.py").write_text(f"def shade(): return {value}\n")
        (tmp_path / folder / "own.py").write_text(source.format(f"only_in_{folder}"))
        (tmp_path / folder / "red.py").write_text(source.format("beside_a_colour"))
    path = [*sys.path]
    red = shipped.find(str(tmp_path / "one/red.py"))
    assert red.value == 1  # type: ignore[attr-defined]
    assert pickle.loads(cloudpickle.dumps(red)).value == 1
    assert shipped.find(str(tmp_path / "two/own.py")).value == 2  # type: ignore[attr-defined]
    with pytest.raises(VosbenchError, match="modules of one name"):  # never the other's in silence
        shipped.find(str(tmp_path / "two/red.py"))
    assert sys.path == path


def test_a_file_is_loaded_again_when_what_it_imports_from_beside_it_changes(
    tmp_path: Path, shipped: Registry[type[Colour]]
) -> None:
    source = "import some_colours\nfrom tone_a import tone\nclass Red(some_colours.Colour): value = tone\n"
    own, other, tone = (tmp_path / name for name in ("own.py", "other.py", "tone_b.py"))
    for file in (own, other):
        file.write_text(source)
    (tmp_path / "tone_a.py").write_text("from tone_b import tone\n")
    tone.write_text("tone = 1")
    found = {shipped.find(str(own)), shipped.find(str(other)), shipped.find(str(own))}
    assert [kind.value for kind in found] == [1, 1]  # type: ignore[attr-defined]
    tone.write_text("tone = 2")  # of the same second and size
    assert shipped.find(str(own)).value == 2  # type: ignore[attr-defined]
    assert shipped.find(str(other)).value == 2  # type: ignore[attr-defined]


LAZY = """
import some_colours

class Red(some_colours.Colour):
    @staticmethod
    def late():
        from late_shade import shade
        return shade()

    @staticmethod
    def by_name(name):
        import importlib
        return importlib.import_module(name)
"""


def lazy_colour(folder: Path) -> Path:
    """A file that imports from beside it when it is called, and what it imports does so, too, from a package."""
    (folder / "late_shades").mkdir(parents=True)
    (folder / "red.py").write_text(LAZY)
    (folder / "late_shade.py").write_text("def shade():\n    from late_shades.dark import Dark\n    return Dark()\n")
    (folder / "late_shades/__init__.py").write_text("")
    (folder / "late_shades/dark.py").write_text("class Dark: value = 7\n")
    (folder / "named_shade.py").write_text("value = 8\n")
    return folder / "red.py"


def test_an_import_in_a_function_finds_what_is_beside_the_file(
    tmp_path: Path, shipped: Registry[type[Colour]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_files, "_beside", {})
    path = [*sys.path]
    red: Any = shipped.find(str(lazy_colour(tmp_path / "one")))
    with pytest.raises(ModuleNotFoundError):  # nobody else's import
        importlib.import_module("late_shade")
    with Crew(call_late, 8, 2) as crew:
        found = dict(crew.share([(red,)] * 8))  # both processes do some; what they find comes back
    assert {dark.value for dark in found.values()} == {7}
    assert red.late().value == 7
    assert pickle.loads(cloudpickle.dumps(red.late())).value == 7
    assert red.by_name("named_shade").value == 8
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_shade'"):
        red.by_name("no_shade")
    assert sys.path == path
    with pytest.raises(VosbenchError, match=r"late_shade and .* are modules of one name"):  # never the other's
        shipped.find(str(lazy_colour(tmp_path / "two")))


def test_a_file_that_is_absent(shipped: Registry[type[Colour]]) -> None:
    with pytest.raises(VosbenchError, match=r"no colour file gone\.py"):
        shipped.find("gone.py")


def test_entry_points_come_after_what_ships(monkeypatch: pytest.MonkeyPatch, shipped: Registry[type[Colour]]) -> None:
    points = [
        EntryPoint(name, value, "vosbench.colours")
        for name, value in (("plain", "nowhere:x"), ("mine", "some_colours:Colour"), ("bad", "nowhere:x"), ("no", "os"))
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "vosbench.colours" else [])
    assert shipped.names() == ("bad", "mine", "no", "plain")
    assert shipped.find("plain") is shipped.find("mine") is Colour
    with pytest.raises(VosbenchError, match=r"colour 'bad' .* fails to load: ModuleNotFoundError"):
        shipped.find("bad")
    with pytest.raises(VosbenchError, match="defines 0"):
        shipped.find("no")
    with pytest.warns(UserWarning, match="left out") as told:
        assert shipped.every() == {"mine": Colour, "plain": Colour}
    bad, no = (str(one.message) for one in told)
    assert bad.startswith("colour 'bad' (nowhere:x) fails to load: ModuleNotFoundError")
    assert "defines 0: it is left out (write a colour" in no


def test_a_package_that_is_installed_or_removed_later_is_noticed(tmp_path, monkeypatch, shipped) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    assert shipped.names() == ("plain",)
    package = tmp_path / "late-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[vosbench.colours]\nlate = some_colours:Colour\n")
    assert shipped.names() == ("late", "plain")
    shutil.rmtree(package)
    assert shipped.names() == ("plain",)
