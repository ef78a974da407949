"""Finds what can be plugged in, by name, by the path of a file, or among the entry points of installed packages.

Strategies, networks, data sets, protocols, tables, figures and verbs are all found in this one way. What ships is
listed without importing it; only what is asked for is loaded.
"""

import ast
import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Generic, TypeVar

from vosbench.base import hashing
from vosbench.errors import VosbenchError, unknown

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """All things of one kind.

    kind: what one of them is called in a message ("strategy").
    group: the entry-point group in which other packages register theirs ("vosbench.policies").
    shipped: name -> where it is, `module` or `module:attribute`, of all that vosbench brings.
    accept: makes of a loaded module, class or value the thing itself; `origin` (second argument) is for its message.
        Raises VosbenchError for what is none.
    """

    kind: str
    group: str
    shipped: Callable[[], Mapping[str, str]]
    accept: Callable[[Any, str], T]

    def names(self) -> tuple[str, ...]:
        """Every name that can be asked for, in alphabetical order."""
        return tuple(sorted({*self.shipped(), *(point.name for point in entry_points(group=self.group))}))

    def about(self, name: str) -> str:
        """What the first line of the module that defines it says of it, after `name: `; the module is not imported."""
        points = {point.name: point.value for point in entry_points(group=self.group)}
        module = {**points, **self.shipped()}[name].partition(":")[0]
        try:
            spec = importlib.util.find_spec(module)
            source = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
            said = ast.get_docstring(ast.parse(source)) or ""
        except (ImportError, OSError, ValueError, SyntaxError):  # a package that is broken shows it when it is used
            said = ""
        return said.partition("\n")[0].removeprefix(f"{name}: ").removesuffix(".")

    def find(self, name: str) -> T:
        """The one of that name, or in the file of that path, which ends in `.py`.

        What ships cannot be replaced by a package's own of the same name. Raises VosbenchError, with the near misses,
        for an unknown name, and for what fails to load or is no such thing.
        """
        if name.endswith(".py"):
            return self.accept(self._file(Path(name)), name)
        shipped = self.shipped()
        if name in shipped:
            module, _, attribute = shipped[name].partition(":")
            loaded = importlib.import_module(module)
            return self.accept(getattr(loaded, attribute) if attribute else loaded, shipped[name])
        for point in entry_points(group=self.group):
            if point.name == name:
                return self.accept(self._plugin(point), f"{point.value} (entry point {name})")
        error = unknown(self.kind, name, self.names())
        error.hint += f"; one's own {self.kind} is given by the path of its .py file"
        raise error

    def _plugin(self, point: EntryPoint) -> Any:
        try:
            return point.load()
        except (Exception, SystemExit) as error:
            raise VosbenchError(
                f"{self.kind} {point.name!r} ({point.value}) fails to load: {_one_line(error)}",
                "repair or uninstall the package that registers it",
            ) from error

    def _file(self, path: Path) -> ModuleType:
        """The module in a file; loaded once while its content is the same."""
        if not path.is_file():
            raise VosbenchError(
                f"no {self.kind} file {path}", f"give the path of a .py file that defines a {self.kind}"
            )
        name = f"vosbench_{self.group.rpartition('.')[2]}_{path.stem}_{_content(path)}"
        try:
            return _load(name, path)
        except VosbenchError:
            raise
        except (Exception, SystemExit) as error:
            raise VosbenchError(
                f"{self.kind} file {path} fails to load: {_one_line(error)}", "repair the file"
            ) from error


def _content(path: Path) -> str:
    """A hash of the place and the content of a file."""
    place = str(path.resolve()).encode(errors="surrogateescape")
    return hashlib.blake2b(place + b"\0" + path.read_bytes(), digest_size=6).hexdigest()


def _load(name: str, path: Path) -> ModuleType:
    """The module in a file, by its name in this process; loaded once.

    Raises VosbenchError if it imports a module from beside it that has the name of one of another folder, for a process
    has one of a name.
    """
    if name in sys.modules:
        return sys.modules[name]
    from cloudpickle import register_pickle_by_value  # here: most runs load no file

    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py file always has a loader
    assert spec.loader is not None
    folder, module = path.resolve().parent, importlib.util.module_from_spec(spec)
    beside = dict.fromkeys(_imported_from_beside(path.resolve()), folder)
    if clash := [one for one in beside if _beside.get(one, folder) != folder]:
        raise VosbenchError(
            f"{folder / clash[0]} and {_beside[clash[0]] / clash[0]} are modules of one name, both imported",
            "give one of the two another name",
        )
    find_beside(beside | {name.partition(".")[0]: folder})
    importlib.invalidate_caches()  # the files may be new
    sys.modules[name] = module  # dataclasses look their module up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    register_pickle_by_value(module)  # other processes cannot import it
    return module


_beside: dict[
    str, Path
] = {}  # the folders of files that were loaded by their paths, and of what they import from there


def _imported_from_beside(file: Path) -> list[str]:
    """The modules of its folder that a file imports, itself or through one another, at their top or in a function."""

    def find(name: str) -> Iterable[Path]:
        first = name.partition(".")[0]
        return () if first in sys.modules and first not in _beside else hashing.beside(file.parent, first)

    files = hashing.closure([file], find)
    return sorted({one.relative_to(file.parent).parts[0].removesuffix(".py") for one in files} - {file.stem})


class _Beside:
    """Finds modules beside a file that was loaded by its path, for that file and for them, whenever they import one.

    Nobody else finds them there: no other import changes, as it would with the folder in `sys.path`.
    """

    def find_spec(self, name: str, path: Sequence[str] | None = None, _: object = None) -> ModuleSpec | None:
        first = name.partition(".")[0]
        folder = _beside.get(_importer() if path is None else first)
        spec = None if folder is None else PathFinder.find_spec(name, [str(folder)] if path is None else path)
        if folder is None or spec is None:
            return None
        if spec.loader is None:  # a folder without __init__.py: any module of the name comes before it
            return PathFinder.find_spec(name) or spec if path is None else spec
        _beside[first] = folder
        execute = spec.loader.exec_module

        def load(module: ModuleType) -> None:
            from cloudpickle import register_pickle_by_value

            execute(module)
            register_pickle_by_value(module)

        spec.loader.exec_module = load  # type: ignore[method-assign]
        return spec


def _importer() -> str:
    """The top-level module whose code imports."""
    frame: FrameType | None = sys._getframe(2)  # past the finder
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "importlib":
        frame = frame.f_back
    return "" if frame is None else frame.f_globals.get("__name__", "").partition(".")[0]


_FINDER = _Beside()


def find_beside(folders: Mapping[str, Path]) -> None:
    """Let modules, by their top-level names, import what is in their `folders`."""
    _beside.update(folders)
    if folders and _FINDER not in sys.meta_path:
        sys.meta_path.insert(sys.meta_path.index(PathFinder), _FINDER)


def folders_beside() -> dict[str, Path]:
    """What other processes are to be told by `find_beside`."""
    return dict(_beside)


def own_modules() -> dict[str, str]:
    """The files that were loaded by their paths, by the names of their modules, in the order of loading."""
    return {name: str(module.__file__) for name, module in [*sys.modules.items()] if name.startswith("vosbench_")}


def load_again(name: str, file: str) -> None:
    """Load one of the `own_modules` of another process, so that what it pickled means the same here.

    Raises VosbenchError if the file is not here, or not as it was there.
    """
    path = Path(file)
    if not path.is_file() or not name.endswith(_content(path)):
        raise VosbenchError(
            f"{file} is not here, or is not the same as where the run was started",
            "give all machines the same files under the same paths",
        )
    _load(name, path)


def place_in_own_file(error: BaseException) -> str | None:
    """`FILE:LINE` of an error's innermost call in a file that was loaded by its path; None if there is none."""
    files = own_modules().values()
    calls = [call for call in traceback.extract_tb(error.__traceback__) if call.filename in files]
    return f"{calls[-1].filename}:{calls[-1].lineno}" if calls else None


def place(defined: Sequence[Any], error: BaseException | None = None) -> str:
    """`FILE:LINE` of an error's innermost call in the files of classes or functions, else of where the first begins.

    Files below the working folder are named from there.
    """
    files = {inspect.getsourcefile(one) for one in defined}
    calls = [] if error is None else traceback.extract_tb(error.__traceback__)
    own = [(call.filename, call.lineno) for call in calls if call.filename in files]
    file, line = own[-1] if own else (inspect.getsourcefile(defined[0]), inspect.getsourcelines(defined[0])[1])
    path, here = Path(str(file)), Path.cwd()
    return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{line}"


def as_class(loaded: Any, base: type, what: str, origin: str) -> Any:
    """What was loaded as a subclass of `base`: a class, or a module that defines exactly one itself.

    Raises VosbenchError for what is none, and for a class that leaves out what `base` asks for.
    """
    if isinstance(loaded, ModuleType):
        own = [v for v in vars(loaded).values() if getattr(v, "__module__", "") == loaded.__name__ and _is(v, base)]
        loaded = the_one(own, loaded, what)
    if not _is(loaded, base):
        raise VosbenchError(f"{origin} is no {what}", f"name a {base.__name__} class, or a module that defines one")
    if missing := sorted(getattr(loaded, "__abstractmethods__", ())):
        lacking = f"{what} {origin}: {loaded.__qualname__} does not define {', '.join(missing)}"
        raise VosbenchError(lacking, f"see {base.__module__}.{base.__name__}")
    return loaded


def _is(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base)


def the_one(own: Sequence[T], module: ModuleType, what: str) -> T:
    """The one thing that a module has of its own. Raises VosbenchError unless there is exactly one."""
    if len(own) != 1:
        origin = getattr(module, "__file__", None) or module.__name__
        hint = (
            "define exactly one" if own else f"write a {what} of your own there: one that is only imported is another's"
        )
        raise VosbenchError(f"{origin} must define one {what}, but defines {len(own)}", hint)
    return own[0]


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
