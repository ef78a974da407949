"""Where masks lie, if not in the folder that was given."""

from collections.abc import Iterable
from pathlib import Path

from vosbench.datasets.files import subfolders
from vosbench.errors import a_few


def further_down(predictions: Path, names: Iterable[str]) -> str:
    """What to do about a folder without the sequences `names` below which they are, as in that of a run; "" if none."""
    wanted = list(names)
    for folder in (predictions / "masks", predictions):
        if found := [inner for inner in subfolders(folder) if any((folder / inner / n).is_dir() for n in wanted)]:
            return f"give the folder of one method: {folder / found[0]}" + (
                f"; or {a_few(found[1:])} beside it" if found[1:] else ""
            )
    return ""
