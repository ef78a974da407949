"""Makers of tables and figures: functions of records, one a file, found by a registry (`TABLES`, `FIGURES`)."""

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

from vosbench.base.own_files import one_line
from vosbench.base.registry import Registry, modules, place
from vosbench.errors import VosbenchError
from vosbench.report.context import Records, context
from vosbench.report.table import Table

T = TypeVar("T")


class NotApplicableError(VosbenchError):
    """The records lack what a table or figure shows: `publish` and `plot` leave it out."""


@dataclass(frozen=True)
class Maker(Generic[T]):
    """Makes a table or figure of one run or (`*runs`) several; `files` are those of `publish`, None: the usual ones."""

    kind: str
    function: Callable[..., T]
    files: tuple[str, ...] | None

    @property
    def of_several(self) -> bool:
        """Whether it is made of several runs."""
        parameters = inspect.signature(self.function).parameters.values()
        return any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters)

    def __call__(self, *runs: Records, **options: Any) -> T:
        """Make it, with the options that it takes. VosbenchError names file and line of a user's own function."""
        if self.of_several != (len(runs) > 1):
            takes = "several runs" if self.of_several else "one run"
            raise VosbenchError(f"this {self.kind} is made of {takes}, not of {len(runs)}", f"give it {takes}")
        try:
            known = inspect.signature(self.function).parameters
            made = self.function(*runs, **{name: value for name, value in options.items() if name in known})
        except VosbenchError:
            raise
        except Exception as error:
            if self.function.__module__.startswith("vosbench."):
                raise
            where = place([self.function], error)
            raise VosbenchError(f"{self.kind} fails at {where}: {one_line(error)}", "repair it") from error
        wanted = self.kind.capitalize()  # by name: no table needs matplotlib
        if wanted not in {kind.__name__ for kind in type(made).__mro__}:
            found = "nothing" if made is None else f"{type(made).__name__}, not a {wanted}"
            raise VosbenchError(f"the function {self.kind} at {place([self.function])} returns {found}", "repair it")
        if isinstance(made, Table) and made.conditions == {}:
            with suppress(VosbenchError):  # it may show what cannot stand side by side
                return cast(T, replace(made, conditions=context([record for run in runs for record in run])))
        return made


def registry(kind: str, package: str) -> Registry[Maker[Any]]:
    """The registry of the modules in a package, each of which defines a function that is called `kind`."""

    def accept(loaded: Any, origin: str) -> Maker[Any]:
        function = getattr(loaded, kind, None) if isinstance(loaded, ModuleType) else loaded
        if not inspect.isfunction(function):
            hint = f"write a function {kind}(records) into it, as vosbench.report says"
            raise VosbenchError(f"{origin} defines no {kind}", hint)
        files = getattr(sys.modules[function.__module__], "PUBLISHED", None)
        return Maker(kind, function, files)

    return Registry(kind, f"vosbench.{kind}s", lambda: modules(package), accept)


def find(makers: Registry[Maker[T]], names: Iterable[str]) -> dict[str, Maker[T]]:
    """The makers of those names or paths, by what their files are called after: the name, or that of the file."""
    return {Path(name).stem if name.endswith(".py") else name: makers.find(name) for name in names}


def applicable(
    makers: Registry[Maker[T]], runs: Sequence[Records], names: Iterable[str] = (), **options: Any
) -> tuple[dict[str, T], dict[str, str]]:
    """What can be made of `runs`, by name, and why what else there is cannot.

    `names` are names or paths; without any, all are tried that are made of as many runs, one or several. `options` are
    for those that take them.
    """
    made: dict[str, T] = {}
    left_out: dict[str, str] = {}
    chosen = find(makers, names)
    for name, maker in (chosen or makers.every()).items():
        if chosen or maker.of_several == (len(runs) > 1):
            try:
                made[name] = maker(*runs, **options)
            except NotApplicableError as error:
                left_out[name] = error.message
    return made, left_out
