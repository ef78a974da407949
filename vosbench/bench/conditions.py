"""What is different about the conditions of two results, in words."""

from dataclasses import asdict
from typing import Any

from vosbench.bench.record import RunRecord
from vosbench.bench.suite import INCIDENTAL
from vosbench.errors import a_few


def difference(theirs: RunRecord, own: RunRecord) -> str:
    """What is different about a record that cannot stand in one folder with another, `own`."""
    if theirs.model is None or own.model is None:
        return "masks that were scored and no run made"
    if theirs.conditions == own.conditions:
        return f"sequence {theirs.sequence} of other files than are there now"
    one, other = _told(theirs), _told(own)
    differing = [f"{key} {one[key]}, not {other[key]}" for key in other if key in one and one[key] != other[key]]
    places = (record.environment for record in (theirs, own))
    commits = [place.commit for place in places if place and place.commit]
    named = f", of commit {commits[0]:.8}, not {commits[1]:.8}" if len({*commits}) == 2 else ""
    before, now = (record.suite.get("sources", {}) for record in (theirs, own))  # which older records do not have
    changed = [name for name in now if before and before.get(name) != now[name]]
    changed = changed or ["the source of vosbench", "of files of one's own", "or a library below it"]
    code = a_few(f"{name}{named}" if name.endswith("vosbench") else name for name in changed)
    return f"other conditions ({'; '.join(differing) or code})"


def _told(record: RunRecord) -> dict[str, Any]:
    """What a record tells of its conditions; an older one tells less."""
    dataset, model, environment = record.dataset, record.model, record.environment
    assert model is not None  # a run made it
    assert record.settings is not None
    assert environment is not None
    told: dict[str, Any] = {"scored by": record.scores.protocol} if record.scores else {}
    told |= {key: value for key, value in record.suite.items() if key not in {*INCIDENTAL, "sources"}}
    told |= {"protocol": told["protocol"] or "the data set's own"} if "protocol" in told else {}
    return told | {
        **asdict(record.settings),
        "dataset": dataset.name,
        "split": dataset.split,
        "frame_mode": dataset.frame_mode,
        "model": f"{model.name} {model.checkpoint_hash:.8}…",
        "threads": environment.threads if environment.device == "cpu" else None,
        "torch": environment.torch,
        "numpy": environment.numpy,
    }
