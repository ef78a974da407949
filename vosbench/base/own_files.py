"""Loads files of one's own by their paths, with what lies beside them, in this process and in others."""

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType

from vosbench.base import hashing
from vosbench.errors import VosbenchError

# The folders of files that were loaded by their paths, and of what they import from there, by top-level modules.
_beside: dict[str, Path] = {}
# Digests of the sources of all these, as they were when they were loaded.
_loaded: dict[str, str] = {}


def digest_of(path: Path) -> str:
    """A hash of the place and the content of a file."""
    return _digest(str(path.resolve()).encode(errors="surrogateescape") + b"\0" + path.read_bytes())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=6).hexdigest()


def load(name: str, path: Path) -> ModuleType:
    """The module in a file, by its name in this process; loaded once.

    Raises VosbenchError if it imports a module from beside it whose name one of another folder has in this process.
    """
    if name in sys.modules:
        return sys.modules[name]
    from cloudpickle import register_pickle_by_value  # here: most runs load no file

    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py file always has a loader
    folder, module = path.resolve().parent, importlib.util.module_from_spec(spec)
    names = {one.relative_to(folder).parts[0].removesuffix(".py") for one in _with_beside(path.resolve())}
    beside = dict.fromkeys(sorted(names - {path.stem}), folder)
    if clash := [one for one in beside if _beside.get(one, folder) != folder]:
        message = f"{folder / clash[0]} and {_beside[clash[0]] / clash[0]} are modules of one name, both imported"
        raise VosbenchError(message, "give one of the two another name")
    find_beside(beside | {name.partition(".")[0]: folder})
    importlib.invalidate_caches()  # the files may be new
    sys.modules[name] = module  # dataclasses look their module up by name
    try:
        _execute(module, str(path.resolve()))
    except BaseException:
        del sys.modules[name]
        raise
    register_pickle_by_value(module)  # other processes cannot import it
    return module


def _execute(module: ModuleType, file: str) -> None:
    """Run the source as it is now: compiled files are told apart by the second and the size only."""
    source = Path(file).read_bytes()
    _loaded[file] = _digest(source)
    exec(compile(source, str(module.__file__), "exec", dont_inherit=True), vars(module))


def renew(contents: Mapping[str, str]) -> bool:
    """Forget all files that were loaded by their paths, and what was imported from beside them, so that they are loaded
    again, if one was not loaded as `contents` has it; whether that was so.

    Raises VosbenchError if what is to be loaded is not as `contents` has it.
    """
    is_old = any(_loaded.get(file, content) != content for file, content in contents.items())
    if is_old:
        for name, module in [*sys.modules.items()]:
            beside = name.partition(".")[0] in _beside and getattr(module, "__file__", None) in _loaded
            if beside or name.startswith("vosbench_"):
                del sys.modules[name]
        _loaded.clear()
    for file, content in contents.items():
        if file not in _loaded and (not Path(file).is_file() or _digest(Path(file).read_bytes()) != content):
            hint = "give all machines the same files under the same paths"
            raise VosbenchError(f"{file} is not here, or is not the same as where the run was started", hint)
    return is_old


def contents_of(files: Iterable[Path], as_loaded: bool = True) -> dict[str, str]:
    """What `renew` takes, of files that were loaded by their paths, and of all that they import from beside them: as it
    was when it was loaded, else as it is now.
    """
    found = {one for file in files if file.is_file() for one in _with_beside(file.resolve())}
    before = _loaded if as_loaded else {}
    return {str(file): before.get(str(file)) or _digest(file.read_bytes()) for file in found}


def _with_beside(file: Path) -> list[Path]:
    """A file and those of its folder that it imports, itself or through one another, at their top or in a function."""

    def find(name: str) -> Iterable[Path]:
        first = name.partition(".")[0]
        return () if first in sys.modules and first not in _beside else hashing.beside(file.parent, first)

    return hashing.closure([file], find)


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

            if isinstance(spec.loader, SourceFileLoader):
                _execute(module, str(module.__file__))
            else:
                execute(module)
            register_pickle_by_value(module)

        spec.loader.exec_module = load  # type: ignore[method-assign]
        return spec


def _importer() -> str:
    """The top-level module whose code imports."""
    stack = traceback.walk_stack(sys._getframe(2))  # past the finder
    names = (frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in stack)
    return next((name for name in names if name != "importlib"), "")


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


def place_in_own_file(error: BaseException) -> str | None:
    """`FILE:LINE` of an error's innermost call in a file that was loaded by its path; None if there is none."""
    files = own_modules().values()
    calls = [call for call in traceback.extract_tb(error.__traceback__) if call.filename in files]
    return f"{calls[-1].filename}:{calls[-1].lineno}" if calls else None


def one_line(error: BaseException) -> str:
    """The kind of an error and what it says."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
