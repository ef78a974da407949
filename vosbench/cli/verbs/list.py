"""list: all that can be named on the command line, by its kind."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from vosbench.base.registry import Registry
from vosbench.cli.verbs import VERBS, Answer, Verb
from vosbench.errors import unknown


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
    from vosbench.memory.registry import POLICIES, describe

    return [
        {"name": name, "about": POLICIES.about(name), "parameters": describe(POLICIES.find(name))}
        for name in POLICIES.names()
    ]


def _datasets() -> list[dict[str, Any]]:
    from vosbench.datasets import DATASETS

    return [{"name": name, "splits": list(DATASETS.find(name).splits)} for name in DATASETS.names()]


def _models() -> list[dict[str, Any]]:
    from vosbench.models.checkpoint import bundled

    return [
        {"name": name, "about": "bundled weights; those of any network are given by their path"} for name in bundled()
    ]


def _networks() -> list[dict[str, Any]]:
    from vosbench.models.families import FAMILIES

    return _registered(FAMILIES)


def _protocols() -> list[dict[str, Any]]:
    from vosbench.metrics.protocols import PROTOCOLS

    found = map(PROTOCOLS.find, PROTOCOLS.names())
    return [{"name": p.name, "version": p.version, "source": p.source} for p in found]


def _suites() -> list[dict[str, Any]]:
    from vosbench.bench.suite_file import shipped_suites

    return _named(shipped_suites())


def _configs() -> list[dict[str, Any]]:
    from vosbench.training.config import shipped_configs

    return _named(shipped_configs())


def _tables() -> list[dict[str, Any]]:
    from vosbench.report.tables import TABLES

    return _registered(TABLES)


def _figures() -> list[dict[str, Any]]:
    from vosbench.report.plots import FIGURES

    return _registered(FIGURES)


def _verbs() -> list[dict[str, Any]]:
    return _registered(VERBS)


def _registered(registry: Registry[Any]) -> list[dict[str, Any]]:
    return _named((name, registry.about(name)) for name in registry.names())


def _named(about: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"name": name, "about": text} for name, text in dict(about).items()]


LISTS = {
    "policies": _policies,
    "datasets": _datasets,
    "models": _models,
    "networks": _networks,
    "protocols": _protocols,
    "suites": _suites,
    "configs": _configs,
    "tables": _tables,
    "figures": _figures,
    "verbs": _verbs,
}


def list_(
    what: Annotated[str, typer.Argument(help=f"one of: {', '.join(LISTS)}")] = "policies",
) -> Answer:
    """List what can be named: strategies with their parameters, data sets, models, protocols, suites, and so on."""
    if what not in LISTS:
        raise unknown("list", what, LISTS)
    rows = LISTS[what]()
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        shown = (_shown(key, value) for key, value in row.items() if key != "name" and value)
        print("  ".join([row["name"].ljust(width), *shown]))
    return Answer({"list": what}, {what: rows})


VERB = Verb(list_, "vosbench list policies")
