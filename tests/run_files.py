"""What two runs must have in common."""

import json
from pathlib import Path


def results(folder: Path) -> dict[str, bytes]:
    """Every file of a run; records without what is measured, and without how many went together."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in {".lock", ".gate", ".data-root"}:
            content = path.read_bytes()
            if path.suffix == ".json":
                record = json.loads(content)
                record["timings"], record["together"] = len(record["timings"]), bool(record["together"])
                content = json.dumps(record).encode()
            found[str(path.relative_to(folder))] = content
    return found
