"""What is in a file of weights, whatever it is called and however the weights are wrapped in it."""

import argparse
import pathlib
import re
import warnings
import zipfile
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from vosbench.base.unfetched import require_fetched
from vosbench.errors import VosbenchError

AGAIN = "download or copy the file again"
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}  # what torch adds to names
PLAIN_VALUES: list[Any] = [  # that trainings save beside the weights: options, paths, numbers of NumPy
    argparse.Namespace,
    pathlib.PosixPath,
    np.dtype,
    np.float64(0).__reduce__()[0],
    *(type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64, np.bool_)),
]
NO_WEIGHTS = {  # how files begin that people take for weights: what they are, and what to do
    b"<": ("a web page, not weights", "download it again: the link may want a login or a confirmation"),
    **dict.fromkeys((b"\x1f\x8b", b"\xfd7zXZ", b"7z\xbc\xaf"), ("an archive", "unpack it")),
    b"\x89HDF": ("an HDF5 file, which is not torch's", "convert the weights to .safetensors"),
}


def read_weights_file(path: Path) -> object:
    """What torch or safetensors finds in a file, by its content; no code in it runs. VosbenchError for another file."""
    require_fetched(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            begin = file.read(64)
    except OSError as error:
        raise VosbenchError(f"cannot read {path}: {error.strerror}", "check the path") from None
    if not begin:
        raise VosbenchError(f"{path} is empty", AGAIN)
    for mark, (what, hint) in NO_WEIGHTS.items():
        if begin.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(mark):
            raise VosbenchError(f"{path} is {what}", hint)
    if _is_text(begin):
        hint = f"look what it says; a state dict is expected, as .pth or .safetensors: {AGAIN}"
        raise VosbenchError(f"{path} is a text, such as JSON, not a checkpoint", hint)
    if begin.startswith(b"PK\3\4"):
        _check_zip(path)
    try:
        if begin[8:9] == b"{":  # of safetensors, after the length of the header
            if int.from_bytes(begin[:8], "little") >= size:
                raise _truncated(path)
            return load_file(path)
        # As a file, since by its name torch would take one called .safetensors for it.
        with (
            path.open("rb") as file,
            warnings.catch_warnings(action="ignore"),
            torch.serialization.safe_globals(PLAIN_VALUES),
        ):
            return torch.load(file, map_location="cpu", weights_only=True)
    except VosbenchError:
        raise
    except Exception as error:  # broken bytes lead an unpickler to raise anything
        if found := re.search(r"Unsupported (?:global|class).*?([\w.]+) was not an allowed", str(error)):
            raise VosbenchError(
                f"{path} holds more than tensors: {found[1]}, which is not loaded, since it could run code",
                "save the weights alone: torch.save(model.state_dict(), PATH)",
            ) from None
        said = str(error).strip().partition("\n")[0]
        if "not fully covered" in said:  # as safetensors has it
            raise _truncated(path) from None
        reason = said if " " in said else type(error).__name__  # a KeyError's is a bare number
        if "weights_only" in said:  # torch's advice to run what is in it
            reason = "torch.save did not write it, or it is damaged"
        raise VosbenchError(
            f"{path} is not a readable checkpoint ({reason[:120]})", "expected a state dict as .pth or .safetensors"
        ) from None


def _is_text(begin: bytes) -> bool:
    """Whether bytes are printable; files of torch and safetensors begin with others."""
    try:
        text = getincrementaldecoder("utf-8")().decode(begin)  # which may end within a letter
    except UnicodeDecodeError:
        return False
    return text.translate(dict.fromkeys(map(ord, "\r\n\t\f\ufeff"))).isprintable()


def _truncated(path: Path) -> VosbenchError:
    return VosbenchError(f"{path} is truncated", AGAIN)


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as file:
            names = file.namelist()
    except (zipfile.BadZipFile, OSError):
        raise _truncated(path) from None
    if not any(name.endswith("data.pkl") for name in names):
        raise VosbenchError(f"{path} is an archive of {', '.join(names[:2])}{', …' * (len(names) > 2)}", "unpack it")


def states(loaded: object) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Every set of named tensors that could be the weights of a network, in the order of preference, and its place: the
    names that lead to it, with dots between them.

    In dictionaries and lists, up to five in one another, with and without the names of wrappers, and under each prefix.
    Averaged weights come before those that they are the average of, as training programs mean them for use.
    """
    found = list(_tensors(loaded, ()))
    yield from found
    for place, state in found:
        yield place, _unwrapped(state)
    for place, state in found:
        for form in (state, _unwrapped(state)):
            prefixes = {".".join(key.split(".")[:depth]) for key in form for depth in (1, 2, 3) if "." in key}
            for prefix in sorted(prefixes, key=lambda prefix: (not is_averaged(prefix), prefix.count("."), prefix)):
                inner = {k.removeprefix(f"{prefix}."): v for k, v in form.items() if k.startswith(f"{prefix}.")}
                if inner:
                    yield ".".join(filter(None, (place, prefix))), inner


def _tensors(loaded: object, place: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Tensor]]]:
    if isinstance(loaded, list | tuple):
        loaded = {str(index): value for index, value in enumerate(loaded)}
    if not isinstance(loaded, Mapping) or len(place) > 4:
        return
    own = {str(key): value for key, value in loaded.items() if isinstance(value, Tensor)}
    if own:
        yield ".".join(place), own
    for key in sorted(map(str, loaded), key=lambda key: not is_averaged(key)):
        yield from _tensors(loaded.get(key), (*place, key))


def is_averaged(name: str) -> bool:
    """Whether weights of this name are an average of others."""
    return re.search(r"(^|[^a-z])(ema|average[d]?|swa)([^a-z]|$)", name.lower()) is not None


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {".".join(part for part in key.split(".") if part not in WRAPPERS): value for key, value in state.items()}
