"""Settings in TOML files, those that ship and one's own; `values.build` makes dataclasses of them."""

import tomllib
from pathlib import Path
from typing import Any

from vosbench.base.text import read_text
from vosbench.errors import VosbenchError, unknown


def read_toml(path: Path, example: str) -> dict[str, Any]:
    """Raises VosbenchError for a file that cannot be read, and for broken TOML; `example` is a sound line."""
    try:
        return tomllib.loads(read_text(path, "name a TOML file"))
    except tomllib.TOMLDecodeError as error:
        raise VosbenchError(f"{path} is not TOML: {error}", f"write lines like {example}") from None


def shipped(folder: Path) -> dict[str, str]:
    """Names of the TOML files that ship in `folder`, and the first line of each."""
    paths = sorted(folder.glob("*.toml"))
    return {path.stem: path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for path in paths}


def find(name: str | Path, folder: Path, kind: str) -> Path:
    """The file that ships in `folder` under `name`, or `name` as a path. Raises VosbenchError for what is neither."""
    path = Path(name)
    if str(name) in shipped(folder):
        return folder / f"{name}.toml"
    if path.exists():
        return path
    if path.suffix:
        hint = f"name a TOML file, or one of: {', '.join(shipped(folder))}"
        raise VosbenchError(f"cannot read {path}: No such file", hint)
    raise unknown(kind, str(name), shipped(folder), "one's own is given by the path of a .toml file")
