"""Records of older schemas as the next newer one has them: one function a step, which `records` takes in turn."""

from collections.abc import Callable, Mapping
from typing import Any


def _from_1(data: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 2 has a timing per repetition, the suite, the run's conditions and the masks' hash, and no seed.

    What schema 1 did not know stays empty; its identity, which no run of today has, stands for the conditions.
    """
    kept = {key: value for key, value in data.items() if key != "timing"}
    timing, settings = data.get("timing"), data.get("settings")
    if isinstance(settings, Mapping):
        kept["settings"] = {key: value for key, value in settings.items() if key != "seed"}
    timings = [] if timing is None else [timing]
    return kept | {"schema": 2, "conditions": data.get("identity"), "suite": {}, "masks": None, "timings": timings}


def _from_2(data: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 3 times another piece of work as reference; what that of schema 2 took says nothing beside it."""
    timings = data.get("timings")
    if isinstance(timings, list) and all(isinstance(timing, Mapping) for timing in timings):
        timings = [{key: value for key, value in timing.items() if key != "reference_ms"} for timing in timings]
    return {**data, "schema": 3, "timings": timings}


_STEPS: Mapping[int, Callable[[Mapping[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2}
OLDEST = min(_STEPS)


def upgrade(data: Mapping[str, Any], schema: int) -> Mapping[str, Any]:
    """JSON of a record of an older schema, not older than `OLDEST`, as JSON of `schema`; it may still be invalid."""
    while data["schema"] < schema:
        data = _STEPS[data["schema"]](data)
    return data
