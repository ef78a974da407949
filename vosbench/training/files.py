"""The files and folders that a training needs, which are there before it begins."""

import os
from collections.abc import Iterable
from pathlib import Path

from vosbench.errors import VosbenchError
from vosbench.models.checkpoint import bundled
from vosbench.training.config import SHIPPED, CutoutData, Data, GeneratedData, TrainConfig


def needed(config: TrainConfig, weights: bool) -> list[str]:
    """The paths that the settings name, of data and, if `weights`, of what it begins with."""
    named = [config.photos, *(root for data in config.data for root in folders(data))]
    if config.validation:
        named.append(config.validation.root or "")
    if weights:
        named += [config.key_encoder, config.value_encoder, "" if config.initial in bundled() else config.initial]
    return [path for path in named if path]


def folders(data: Data) -> tuple[str, ...]:
    """Those that a source of clips is read from."""
    if isinstance(data, CutoutData):
        return (*data.roots, *data.videos)
    return () if isinstance(data, GeneratedData) else (data.root,)


def require_files(paths: Iterable[str]) -> None:
    """Refuse to begin without them."""
    absent = dict.fromkeys(path for path in paths if not os.path.exists(path))  # of any length
    if absent:
        raise VosbenchError(
            f"the training needs {', '.join(absent)}, which {Path.cwd()} does not hold",
            "paths are relative to the folder in which the command is started; the first lines of a configuration"
            f" that ships say what to put there: {SHIPPED}",
        )
