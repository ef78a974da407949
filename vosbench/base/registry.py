"""Finds what can be plugged in, by name, by the path of a file, or among the entry points of installed packages.

Strategies, networks, data sets, protocols, tables, figures and verbs are all found in this one way. What ships is
listed without importing it; only what is asked for is loaded.
"""

import ast
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints
from importlib.metadata import entry_points as read_entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from vosbench.base.own_files import contents_of, digest_of, load, one_line, own_modules, renew
from vosbench.base.signals import by_code
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
        return tuple(sorted({*self.shipped(), *self._points()}))

    def about(self, name: str) -> str:
        """What the first line of the module that defines it says of it, after `name: `; the module is not imported."""
        points = {known: point.value for known, point in self._points().items()}
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
        if (point := self._points().get(name)) is not None:
            with self._loading(f"{name!r} ({point.value})", "repair or uninstall the package that registers it"):
                plugin = point.load()
            return self.accept(plugin, f"{point.value} (entry point {name})")
        own = f"one's own {self.kind} is given by the path of its .py file"
        raise unknown(self.kind, name, self.names(), own)

    def every(self) -> dict[str, T]:
        """All that can be asked for, by name; a warning tells of a package's that does not load, which is left out."""
        found: dict[str, T] = {}
        for name in self.names():
            try:
                found[name] = self.find(name)
            except VosbenchError as error:
                warnings.warn(f"{error.message}: it is left out ({error.hint})", stacklevel=2)
        return found

    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=self.group)}

    @contextmanager
    def _loading(self, what: str, hint: str) -> Iterator[None]:
        """Whatever the code of others raises when it is loaded, in one line."""
        try:
            yield
        except VosbenchError:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            if not by_code(error):
                raise
            raise VosbenchError(f"{self.kind} {what} fails to load: {one_line(error)}", hint) from error

    def _file(self, path: Path) -> ModuleType:
        """The module in a file; loaded once while it, and what it imports from beside it, is the same."""
        if not path.is_file():
            hint = f"give the path of a .py file that defines a {self.kind}"
            raise VosbenchError(f"no {self.kind} file {path}", hint)
        name = f"vosbench_{self.group.rpartition('.')[2]}_{path.stem}_{digest_of(path)}"
        if name in own_modules():
            renew(contents_of([path], as_loaded=False))
        with self._loading(f"file {path}", "repair the file"):
            return load(name, path)


def entry_points(group: str) -> EntryPoints:
    """Those of a group that installed packages register; read again where a folder of packages has changed."""
    return _entry_points(group, tuple((path, _changed(path)) for path in sys.path))


@lru_cache(64)
def _entry_points(group: str, _: tuple[tuple[str, int], ...]) -> EntryPoints:
    return read_entry_points(group=group)


def _changed(path: str) -> int:
    try:
        return os.stat(path or ".").st_mtime_ns
    except OSError:
        return 0


def modules(package: str) -> dict[str, str]:
    """The modules of a package of vosbench, by name, as `Registry.shipped`; none is imported."""
    files = sorted(folder_of(package).glob("[!_]*.py"))
    return {file.stem.replace("_", "-"): f"{package}.{file.stem}" for file in files}


def folder_of(package: str) -> Path:
    """Where a package of vosbench is, which is not imported. Raises VosbenchError if it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise VosbenchError(f"the folder of {package} is not installed", "install vosbench: pip install -e .")
    return Path(next(iter(spec.submodule_search_locations)))


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
        own_one = f"write a {what} of your own there: one that is only imported is another's"
        hint = "define exactly one" if own else own_one
        raise VosbenchError(f"{origin} must define one {what}, but defines {len(own)}", hint)
    return own[0]
