"""Suites in TOML: data sets, a model, strategies with sweeps and seeds, spelt out into what one run each does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from vosbench.base.settings import find, read_toml, shipped
from vosbench.base.values import build, checked
from vosbench.bench.suite import DEFAULT_POLICIES, Suite
from vosbench.datasets import DATASETS
from vosbench.errors import VosbenchError, unknown
from vosbench.memory.spec import PolicySpec

SHIPPED = Path(__file__).parent / "suites"
shipped_suites = partial(shipped, SHIPPED)  # their names, and the first line of each
KEYS = {field.name for field in fields(Suite)} - {"name"}
# Of no use to another data set.
OF_DATA = ("root", "split", "frame_mode", "protocol", "sequences", "exclude", "limit", "shard")
EXAMPLE = 'write policies = ["every-k:k=5", { name = "lfu", capacity = [2, 4] }]'


@checked('vosbench.read_suites("night.toml")')
def read_suites(name: str | Path) -> tuple[Suite, ...]:
    """The suites, one for each data set, of the file that ships under `name` (see `shipped_suites`), or of a path.

    A key is a field of `Suite` or one more: `[[data]]`, a table for each data set, holds what differs from one to the
    next, and `split` may be a list there and above: a run for each. A strategy is a spec, or a table of its name, its
    label and its parameters, in which a list of values is a sweep over them.

    Raises VosbenchError for a missing file, broken TOML, an unknown key, a value of the wrong type, and as
    `Suite.strategies` does.
    """
    path = find(name, SHIPPED, "suite")
    table = read_toml(path, "top_k = 20")
    entries = table.pop("data", [{}])
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise VosbenchError(f"{path.name}: data must be tables", "write [[data]] above each data set")
    if strange := next((key for entry in entries for key in entry if key not in KEYS), None):
        raise unknown(f"setting in {path.name} [[data]]", strange, KEYS)
    suites = []
    for settings in ({**table, **entry} for entry in entries):
        settings["policies"] = tuple(_policies(settings.get("policies", list(DEFAULT_POLICIES)), path.name))
        splits = settings.get("split")
        for split in splits if isinstance(splits, list) else [splits]:
            suites.append(build(Suite, settings | {"split": split}, path.name, name=path.stem))
            suites[-1].strategies()
    return tuple(suites)


def override(
    suites: Sequence[Suite], dataset: str | None, roots: Sequence[str], asked: Mapping[str, Any]
) -> tuple[Suite, ...]:
    """`suites` as the command line wants them.

    `dataset` takes its suites out of several, or takes the place of all. `roots` are folders, for all data sets, or
    NAME=FOLDER for one. What else of `asked` is a field of `Suite`, and not None, is for all. Raises VosbenchError for
    a root of another data set.
    """
    changes = {key: asked[key] for key in KEYS - {"dataset", "root"} if asked.get(key) is not None}
    if dataset is not None:
        chosen = [suite for suite in suites if suite.dataset == dataset]
        nothing: dict[str, Any] = dict.fromkeys(OF_DATA)
        suites = chosen or [replace(suites[0], dataset=dataset, **nothing)]
    folders: dict[str, Path] = {}
    for text in roots:
        name, equals, folder = text.partition("=")
        if equals and not Path(text).is_dir():
            DATASETS.find(name)
            if name not in (names := [str(suite.dataset) for suite in suites]):
                raise VosbenchError(f"--root {text}: the suite has no data set {name}", f"it has {', '.join(names)}")
            folders[name] = Path(folder)
        else:
            folders = {str(suite.dataset): Path(text) for suite in suites} | folders
    return tuple(replace(suite, root=folders.get(str(suite.dataset)) or suite.root, **changes) for suite in suites)


def _policies(entries: Any, file: str) -> Iterator[PolicySpec]:
    """The strategies that a file names, every combination of a sweep one."""
    if not isinstance(entries, list):
        raise VosbenchError(f"{file}: policies must be a list, not {entries!r}", EXAMPLE)
    for entry in entries:
        if isinstance(entry, str):
            yield PolicySpec.parse(entry)
            continue
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise VosbenchError(f"{file}: a strategy has no name: {entry!r}", EXAMPLE)
        policy = PolicySpec.parse(entry["name"])
        label = entry.get("label", policy.label)
        if not isinstance(label, str | None):
            raise VosbenchError(f"{file}: a label must be text, not {label!r}", 'write label = "Mine"')
        axes = {key: _values(key, value, file) for key, value in entry.items() if key not in ("name", "label")}
        yield from replace(policy, label=label).sweep(axes)


def _values(key: str, value: Any, file: str) -> list[Any]:
    """The values of a sweep over one parameter."""
    values = value if isinstance(value, list) else [value]
    if not values or not all(type(v) in (bool, int, float, str) for v in values):
        raise VosbenchError(f"{file}: {key} must be a number, text, true or false, or a list of these", EXAMPLE)
    return values
