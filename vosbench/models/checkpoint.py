"""Loads weights: the bundled ones by name, anybody's by path. `.safetensors`, and `.pth` read with weights_only."""

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from vosbench.errors import VosbenchError, unknown
from vosbench.models.folding import fold_batch_norm
from vosbench.models.stcn.network import CONFIGS, STCN

WEIGHTS = Path(__file__).parent / "weights"
FIRST_VALUE_CONVOLUTION = "value_encoder.conv1.weight"


@dataclass(frozen=True)
class Checkpoint:
    """Weights in memory: the file's stem, the architecture they fit, the hash of the file, and the tensors."""

    name: str
    config: str
    sha256: str
    state: Mapping[str, Tensor] = field(repr=False)

    def build(self, device: str | torch.device = "cpu", precision: str = "fp32") -> STCN:
        """The network with these weights, made for inference: evaluation mode, batch norm folded, channels last.

        Raises VosbenchError for a device that is not there.
        """
        if precision != "fp32":
            raise unknown("precision", precision, ["fp32"])
        target = check_device(device)
        if target.type == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32
        with torch.device("meta"):
            model = STCN(CONFIGS[self.config])
        floats = {key: value.float() if value.is_floating_point() else value for key, value in self.state.items()}
        model.load_state_dict(floats, strict=True, assign=True)
        fold_batch_norm(model.eval().requires_grad_(False))
        return model.to(target, memory_format=torch.channels_last)  # type: ignore[call-overload]


def bundled() -> tuple[str, ...]:
    """Names of the weights that ship with vosbench."""
    return tuple(sorted(path.stem for path in WEIGHTS.glob("*.safetensors")))


def load_model(name: str | Path, device: str | torch.device = "cpu", precision: str = "fp32") -> STCN:
    """The network in evaluation mode, its weights bundled (`stcn-tiny`) or from the path of any trained STCN.

    Raises VosbenchError as `read_checkpoint` does, and for a device that is not there.
    """
    return read_checkpoint(name).build(device, precision)


def read_checkpoint(name: str | Path) -> Checkpoint:
    """The weights of a bundled name, or of a file.

    Raises VosbenchError for an unknown name, an unreadable file, and the weights of another network (naming what
    is missing or mis-shaped).
    """
    path = _find(name)
    state = _read(path)
    config = _closest(state)
    _check(path, config, state)
    return Checkpoint(path.stem, config, hashlib.sha256(path.read_bytes()).hexdigest(), state)


def check_device(device: str | torch.device) -> torch.device:
    """The device, if this machine has it. Raises VosbenchError otherwise."""
    try:
        target = torch.device(device)
    except RuntimeError:
        raise unknown("device", str(device), ["cpu", "cuda"]) from None
    if target.type not in {"cpu", "cuda"}:
        raise unknown("device", str(device), ["cpu", "cuda"])
    if target.type == "cuda" and (not torch.cuda.is_available() or (target.index or 0) >= torch.cuda.device_count()):
        raise VosbenchError(
            f"device {device} was asked for, but this machine (or this build of torch) has no such GPU",
            "run with --device cpu",
        )
    return target


def _find(name: str | Path) -> Path:
    if str(name) in bundled():
        return WEIGHTS / f"{name}.safetensors"
    path = Path(name)
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise VosbenchError(f"no checkpoint {path}", f"give a path, or one of: {', '.join(bundled())}")
    error = unknown("model", str(name), bundled())
    error.hint += "; published weights are given by path, e.g. --model stcn.pth"
    raise error


def _read(path: Path) -> dict[str, Tensor]:
    try:
        state: object
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            with warnings.catch_warnings(action="ignore"):  # about how the file was pickled
                state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # broken bytes lead an unpickler to raise anything
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise VosbenchError(
            f"{path} is not a readable checkpoint ({reason[:120]})", "expected a state dict as .pth or .safetensors"
        ) from None
    if isinstance(state, Mapping) and isinstance(state.get("model"), Mapping):
        state = state["model"]  # a checkpoint of `vosbench train`
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise VosbenchError(f"{path} holds no state dict", "expected a mapping of names to tensors")
    state = {str(key): value for key, value in state.items()}
    first = state.get(FIRST_VALUE_CONVOLUTION)
    if first is not None and first.ndim == 4 and first.shape[1] == 4:
        # Single-object STCN: no plane for the other objects' masks; zeros make it ignore that plane.
        state[FIRST_VALUE_CONVOLUTION] = torch.cat([first, torch.zeros_like(first[:, :1])], 1)
    return state


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in state.items()}


@cache
def _expected(config: str) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return _shapes(STCN(CONFIGS[config]).state_dict())


def _closest(state: Mapping[str, Tensor]) -> str:
    """The architecture that shares the most tensors with the state."""
    found = set(_shapes(state).items())
    return max(CONFIGS, key=lambda name: len(found & set(_expected(name).items())))


def _check(path: Path, config: str, state: Mapping[str, Tensor]) -> None:
    want, have = _expected(config), _shapes(state)
    missing = [key for key in want if key not in have]
    extra = [key for key in have if key not in want]
    wrong = [f"{key} is {have[key]}, not {want[key]}" for key in want if key in have and have[key] != want[key]]
    parts = []
    for problems, label in ((missing, "missing"), (wrong, "mis-shaped"), (extra, "unexpected")):
        if problems:
            parts.append(f"{len(problems)} {label} ({problems[0]}{', …' if len(problems) > 1 else ''})")
    if parts:
        raise VosbenchError(
            f"{path} does not fit {config}: of {len(want)} tensors {'; '.join(parts)}",
            f"give weights of STCN, or one of: {', '.join(bundled())}",
        )
