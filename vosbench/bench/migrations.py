"""Records of older schemas as the next newer one has them: one function a step, which `records` takes in turn."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from vosbench.errors import VosbenchError
from vosbench.memory import grammar


def _from_1(data: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 2 has a timing per repetition, the suite, the run's conditions and the masks' hash, and no seed.

    What schema 1 did not know stays empty; its identity, which no run of today has, stands for the conditions.
    """
    kept = {key: value for key, value in data.items() if key != "timing"}
    timing, settings = data.get("timing"), data.get("settings")
    if isinstance(settings, Mapping):
        kept["settings"] = {key: value for key, value in settings.items() if key != "seed"}
    timings = [] if timing is None else [timing]
    return kept | {"conditions": data.get("identity"), "suite": {}, "masks": None, "timings": timings}


def _from_2(data: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 3 times another piece of work as reference; what that of schema 2 took says nothing beside it."""
    timings = data.get("timings")
    if isinstance(timings, list) and all(isinstance(timing, Mapping) for timing in timings):
        timings = [{key: value for key, value in timing.items() if key != "reference_ms"} for timing in timings]
    return {**data, "timings": timings}


def _from_3(data: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 4 has all parameters of a strategy, with what it wraps, where schema 3 has those that were given; its
    label; and one word for the shorter side.
    """
    kept = {**data}
    for name in ("settings", "suite"):
        if isinstance(part := data.get(name), Mapping) and "size" in part:
            kept[name] = {"shorter_side" if key == "size" else key: value for key, value in part.items()}
    policy = data.get("policy")
    if isinstance(policy, Mapping) and isinstance(policy.get("spec"), str):
        kept["policy"] = {**policy, "label": policy["spec"]}
        try:
            head = grammar.read(policy["spec"]).name
            kept["policy"]["parameters"] = _all_parameters(head, policy["parameters"])
        except (VosbenchError, KeyError, TypeError, ValueError):
            pass  # a text that no strategy that ships has: it keeps the parameters that it has
    return kept


def _from_5(data: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 6 says of every record whether the run leaves sequences out, where schema 5 says it of the scores."""
    scores, suite = data.get("scores"), data.get("suite")
    if isinstance(scores, Mapping):
        kept = {key: value for key, value in scores.items() if key != "partial"}
        return {**data, "scores": kept, "partial": scores.get("partial")}
    chosen = isinstance(suite, Mapping) and any(suite.get(name) is not None for name in ("sequences", "limit"))
    return {**data, "partial": chosen}


def _from_7(data: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 8 has references as a kind of their own. Those that shipped with schema 7 cheat, and what wraps them."""
    policy = data.get("policy")
    if isinstance(policy, Mapping) and policy.get("kind") == "strategy" and _cheats(policy):
        policy = {**policy, "kind": "reference"}
    return {**data, "policy": policy}


def _cheats(strategy: Mapping[str, Any]) -> bool:
    parameters = strategy.get("parameters")
    wrapped = parameters.values() if isinstance(parameters, Mapping) else ()
    return strategy.get("name") in ("offline", "oracle-masks") or any(
        _cheats(w) for w in wrapped if isinstance(w, Mapping)
    )


def _all_parameters(head: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a strategy, those in `given` and the rest as it had them when schema 3 ended; of one that did
    not ship nothing is known but what was given.
    """
    defaults = _defaults().get(head, {})
    found = {**defaults, **given}
    for name, default in defaults.items():
        if isinstance(default, Mapping):
            text = found[name] if isinstance(found[name], str) else default["name"]
            inner = grammar.read_wrapped(text)
            known = _defaults().get(inner.name, {})
            values = {key: _value(value or "", known.get(key)) for key, value in inner.items}
            parameters = _all_parameters(inner.name, values)
            found[name] = {"name": grammar.short_name(inner.name), "parameters": parameters}
    return found


def _value(text: str, default: Any) -> Any:
    """What a text stands for, by the type of the default; a wrapped strategy stays text for now."""
    if isinstance(default, bool):
        return text.lower() == "true"
    return type(default)(text) if isinstance(default, int | float) else text


@cache
def _defaults() -> dict[str, dict[str, Any]]:
    path = Path(__file__).with_name("defaults_of_schema_3.json")
    found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


# What may lack is new with schema 5 (what a protocol tells beside J and F), 7 (the names of the scored frames) and 9
# (whether times were taken beside other processes).
_STEPS: Mapping[int, Callable[[Mapping[str, Any]], dict[str, Any]]]
_STEPS = {1: _from_1, 2: _from_2, 3: _from_3, 5: _from_5, 7: _from_7}
OLDEST = min(_STEPS)


def upgrade(data: Mapping[str, Any], schema: int) -> Mapping[str, Any]:
    """JSON of a record of an older schema, not older than `OLDEST`, as JSON of `schema`; it may still be invalid."""
    for older in range(data["schema"], schema):
        data = {**_STEPS.get(older, dict)(data), "schema": older + 1}
    return data
