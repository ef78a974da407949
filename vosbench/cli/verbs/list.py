"""list: all that can be named on the command line, by its kind."""

import textwrap
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

from typer import Argument

from vosbench.base.registry import Registry
from vosbench.cli.records import show, terminal_width
from vosbench.cli.verbs import Answer, Verb
from vosbench.errors import unknown
from vosbench.report.table import Column, Table


def _shown(key: str, value: Any) -> str:
    if key == "parameters":
        defaults = (f"{name}={_plain(about['default'])}" for name, about in value.items())
        return f"[{', '.join(defaults)}]"
    if isinstance(value, list):
        return f"{key}: {', '.join(value)}"
    return f"{key} {value}" if key == "version" else value


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _policies() -> list[dict[str, Any]]:
    from vosbench.memory.registry import POLICIES

    return [_policy(name) for name in POLICIES.every()]


def _policy(name: str) -> dict[str, Any]:
    from vosbench.memory.registry import POLICIES, describe

    kind = POLICIES.find(name)
    about = (kind.__doc__ or "").partition("\n")[0].removesuffix(".") if name.endswith(".py") else POLICIES.about(name)
    return {"name": name, "about": about, "parameters": describe(kind)}


def _parameters(policy: dict[str, Any]) -> Table:
    """A row for each parameter of a strategy: its default, unit, least value and meaning."""
    plain = map(Column, ("parameter", "default", "unit"))
    columns = (*plain, Column("at_least", "at least"), Column("about", wraps=True, leaves=1))
    shown, rows = {column.key for column in columns}, []
    for name, told in policy["parameters"].items():
        known = {key: _plain(value) for key, value in told.items() if value is not None and key in shown}
        rows.append({"parameter": name, **known})
    kind = f"{policy['name']}: {policy['about']}."
    return Table(columns, rows, kind if rows else f"{kind} It has no parameters.")


def _models() -> list[dict[str, Any]]:
    from vosbench.models.checkpoint import bundled, plugged_in
    from vosbench.models.families import FAMILIES

    about = "bundled weights; those of any network are given by their path"
    own = [{"name": name, "about": FAMILIES.about(name)} for name in plugged_in()]
    return [{"name": name, "about": about} for name in bundled()] + own


def _named(where: str, tell: Callable[[Any], dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """What a registry holds, or a function names, by `module:attribute`: imported only when it is asked for. With what
    is to `tell` of each thing, or the line about it.
    """
    module, _, attribute = where.partition(":")
    found = getattr(import_module(module), attribute)
    if tell is not None:
        return [{"name": name, **tell(one)} for name, one in found.every().items()]
    about = {name: found.about(name) for name in found.names()} if isinstance(found, Registry) else found()
    return [{"name": name, "about": text} for name, text in about.items()]


LISTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "policies": _policies,
    "datasets": lambda: _named("vosbench.datasets:DATASETS", lambda kind: {"splits": list(kind.splits)}),
    "models": _models,
    "networks": lambda: _named("vosbench.models.families:FAMILIES"),
    "protocols": lambda: _named(
        "vosbench.metrics.protocols:PROTOCOLS", lambda rules: {"version": rules.version, "source": rules.source}
    ),
    "suites": lambda: _named("vosbench.bench.suite:shipped_suites"),
    "configs": lambda: _named("vosbench.training.config:shipped_configs"),
    "tables": lambda: _named("vosbench.report.tables:TABLES"),
    "figures": lambda: _named("vosbench.report.plots:FIGURES"),
    "verbs": lambda: _named("vosbench.cli.verbs:VERBS"),
}


def list_(
    what: Annotated[str, Argument(help=f"one of: {', '.join(LISTS)}")] = "policies",
    name: Annotated[str | None, Argument(help="one of them alone; a strategy, or .py file, with parameters")] = None,
) -> Answer:
    """List what can be named: strategies with their parameters, data sets, models, protocols, suites, and so on."""
    if what not in LISTS:
        raise unknown("list", what, LISTS)
    if name is not None and what == "policies":
        rows = [_policy(name)]
        show([_parameters(rows[0])])
        return Answer({"list": what, "name": name}, {what: rows})
    rows = LISTS[what]()
    if name is not None:
        known = {row["name"]: row for row in rows}
        if name not in known:
            raise unknown(what.removesuffix("s"), name, known)
        rows = [known[name]]
    width = max(len(row["name"]) for row in rows)
    across = terminal_width()
    for row in rows:
        shown = (_shown(key, value) for key, value in row.items() if key != "name" and value)
        line = "  ".join([row["name"].ljust(width), *shown])
        print("\n".join(textwrap.wrap(line, across, subsequent_indent=" " * (width + 2))) if across else line)
    return Answer({"list": what}, {what: rows})


VERB = Verb(list_, "vosbench list policies lfu")
