"""Loads networks: bundled weights by name, anybody's by path (of torch or safetensors, wrapped in whatever a training
puts around them), and a network of one's own, a .py file.
"""

import hashlib
import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from vosbench.base.sources import sources
from vosbench.base.unfetched import require_fetched
from vosbench.base.values import checked
from vosbench.errors import VosbenchError, unknown
from vosbench.models.base import Network, shapes_of
from vosbench.models.families import FAMILIES
from vosbench.models.folding import for_inference
from vosbench.models.precision import Precision, require
from vosbench.models.weights_file import is_averaged, read_weights_file, states

WEIGHTS = Path(__file__).parent / "weights"
COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Checkpoint:
    """Weights in memory: the file's stem, the family and the architecture that they fit, the hash of the file, that of
    the source of a family that does not ship, and the tensors.
    """

    name: str
    family: type[Network] = field(repr=False)
    config: str
    sha256: str
    source_hash: str
    state: Mapping[str, Tensor] = field(repr=False)

    def build(
        self, device: str | torch.device = "cpu", affinity: str | None = None, precision: Precision = "fp32"
    ) -> Network:
        """The network with these weights, made for inference: evaluation mode, batch norm folded, channels last.

        `affinity` compares keys (None: the network's own way). Raises VosbenchError for a device that is not there or
        does not compute in the precision, and a network that leaves no choice of affinity or precision.
        """
        target = check_device(device)
        require(precision, target)
        model = self.network(affinity)
        for_inference(model, target, precision)
        return model.to(target, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def network(self, affinity: str | None = None) -> Network:
        """The same as it was trained, in evaluation mode."""
        with torch.random.fork_rng(devices=[]):
            model = self.family.build(self.config)
        floats = {key: value.float() if value.is_floating_point() else value for key, value in self.state.items()}
        model.load_state_dict(floats, strict=True, assign=True)
        if affinity is not None:
            model.compare_by(affinity)
        return model.eval().requires_grad_(False)


def bundled() -> tuple[str, ...]:
    """Names of the weights that ship with vosbench."""
    return tuple(sorted(path.stem for path in WEIGHTS.glob("*.safetensors")))


def plugged_in() -> tuple[str, ...]:
    """Names of the networks that installed packages register."""
    return tuple(name for name in FAMILIES.names() if name not in FAMILIES.shipped() and name not in bundled())


@checked('vosbench.load_model("stcn-tiny", device="cpu")')
def load_model(
    name: str | Path,
    device: str | torch.device = "cpu",
    affinity: str | None = None,
    precision: Precision = "fp32",
) -> Network:
    """The network in evaluation mode: its weights bundled (`stcn-tiny`), from the path of a trained network of a family
    that is known, or those of a file of one's own (`mynet.py`). Raises as `read_checkpoint` and `Checkpoint.build` do.
    """
    return read_checkpoint(name).build(device, affinity, precision)


def read_checkpoint(name: str | Path) -> Checkpoint:
    """The weights of a bundled name, of a file, or those with which a network in a .py file, or that an installed
    package has registered under the name, begins.

    Raises VosbenchError for an unknown name, an unreadable file, and weights that fit no network (naming what is
    missing or mis-shaped, or are no numbers).
    """
    if str(name).endswith(".py") or str(name) in plugged_in():
        return _own(str(name))
    path = _find(name)
    family, config, state = _fitting(path, [*FAMILIES.every().values()])
    return Checkpoint(path.stem, family, config, _hash(path), family_hash(family), state)


def check_device(device: str | torch.device) -> torch.device:
    """The device, if this machine has it; a GPU becomes torch's current one. Raises VosbenchError otherwise."""
    try:
        target = torch.device(device)
    except RuntimeError:
        raise unknown("device", str(device), ["cpu", "cuda"]) from None
    if target.type not in {"cpu", "cuda"}:
        raise unknown("device", str(device), ["cpu", "cuda"])
    if target.type == "cuda" and (not torch.cuda.is_available() or (target.index or 0) >= torch.cuda.device_count()):
        raise VosbenchError(
            f"device {device} was asked for, but this machine (or this build of torch) has no such GPU",
            "run on the CPU: device='cpu' (--device cpu)",
        )
    if target.type == "cuda":
        torch.cuda.set_device(target)  # clocks and waits are those of the current device
    return target


def _own(name: str) -> Checkpoint:
    """A network in a file of its own: with the weights beside it that its class names, or those of its building."""
    family = FAMILIES.find(name)
    path = Path(name if name.endswith(".py") else inspect.getfile(family))
    config, weights = family.configs()[0], path
    if family.weights is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            state = dict(family.build(config).state_dict())
    else:
        weights = path.parent / family.weights
        family, config, state = _fitting(weights, [family], config)
    return Checkpoint(Path(name).stem, family, config, _hash(weights), family_hash(family), state)


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def family_hash(family: type[Network]) -> str:
    """Of the source of a family that does not ship, 16 hexadecimal digits; of one that does it is that of vosbench."""
    ships = family.__module__.startswith("vosbench.")
    return "" if ships else hashlib.blake2b(sources(family), digest_size=8).hexdigest()


def _find(name: str | Path) -> Path:
    if str(name) in bundled():
        return WEIGHTS / f"{name}.safetensors"
    path = Path(name)
    if path.is_file():
        return path
    require_fetched(path)
    if path.suffix or len(path.parts) > 1:
        raise VosbenchError(f"no checkpoint {path}", f"give a path, or one of: {', '.join(bundled())}")
    known = *bundled(), *plugged_in()
    raise unknown("model", str(name), known, "published weights are given by path, e.g. stcn.pth (--model stcn.pth)")


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in state.items()}


def _fitting(
    path: Path, families: Sequence[type[Network]], default: str | None = None
) -> tuple[type[Network], str, dict[str, Tensor]]:
    """The family, the architecture and the weights in a file, in today's form and without what is around them.

    Of all sets of tensors in the file they are the one with the most of an architecture, and then the fewest others. Of
    several whole networks it is the one that is an average of others, which a warning says; VosbenchError if none is.
    `default` is the architecture where none is detected.
    """
    found: list[dict[str, Tensor]] = []
    best = None
    whole: list[Found] = []
    for place, state in states(read_weights_file(path)):
        if whole and 2 * len(state) <= min(len(one[3]) for one in whole):
            continue  # a part of a network
        found.append(state)
        have = _shapes(state)
        for family in families:
            config = default if (detected := family.detect(have)) is None else detected  # which may be called ""
            if config is not None:
                want = shapes_of(family, config)
                fit = len(have.items() & want.items()), -len(have.keys() - want.keys())
                if best is None or fit > best[0]:
                    best = fit, (place, family, config, state)
                if 2 * fit[0] > len(want) and want.items() <= _shapes(own := _adapted(family, config, state)).items():
                    whole.append((place, family, config, {key: own[key] for key in want}))
    if not found:
        raise VosbenchError(f"{path} holds no state dict", "expected a mapping of names to tensors")
    if best is None:
        raise VosbenchError(
            f"{path} holds the weights of no network that is known: {len(found[0])} tensors "
            f"({', '.join(list(found[0])[:2])}, …)",
            f"known are {', '.join(FAMILIES.names())}; or name one of: {', '.join(bundled())}",
        )
    _, family, config, weights = _the_one_meant(path, whole) or best[1]
    state = _adapted(family, config, dict(weights))
    _check(path, family, config, state)
    return family, config, state


Found = tuple[str, type[Network], str, Mapping[str, Tensor]]  # where in the file, and what


def _the_one_meant(path: Path, whole: Sequence[Found]) -> Found | None:
    """Of several whole networks in a file that differ, the one that is an average; None where there are not several."""
    different: list[Found] = []
    for one in whole:
        if not any(_equal(one[3], other[3]) for other in different):
            different.append(one)
    if len(different) < 2:
        return None
    names = ", ".join(repr(place or "the top level") for place, *_ in different)
    averages = [one for one in different if is_averaged(one[0])]
    if len(averages) != 1:
        raise VosbenchError(
            f"{path} holds {len(different)} networks, and it does not say which is meant: {names}",
            f"save one alone: torch.save(torch.load({path.name!r})[{(different[0][0] or 'NAME')!r}], 'one.pth')",
        )
    taken = f"taken is the average, {averages[0][0]!r}"
    warnings.warn(f"{path} holds {len(different)} networks, {names}: {taken}", stacklevel=2)
    return averages[0]


def _equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        value is other[key] or torch.equal(value, other[key]) for key, value in one.items()
    )


def _adapted(family: type[Network], config: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights in today's form; the counters of batch norm, which torch 0.4 lacks, are where it has them."""
    state, want = family.adapt(state), shapes_of(family, config)
    known = {key: value for key, value in state.items() if key in want or not key.endswith(COUNTER)}
    return {key: torch.tensor(0) for key in want if key.endswith(COUNTER)} | known


def _check(path: Path, family: type[Network], config: str, state: Mapping[str, Tensor]) -> None:
    want, have = shapes_of(family, config), _shapes(state)
    missing = [key for key in want if key not in have]
    extra = [key for key in have if key not in want]
    wrong = [f"{key} is {have[key]}, not {want[key]}" for key in want if key in have and have[key] != want[key]]
    named = ((missing, "missing"), (wrong, "mis-shaped"), (extra, "unexpected"))
    parts = [f"{len(found)} {what} ({found[0]}{', …' * (len(found) > 1)})" for found, what in named if found]
    if parts:
        raise VosbenchError(
            f"{path} does not fit {config or family.__name__}: of {len(want)} tensors {'; '.join(parts)}",
            f"give weights of {family.__name__}, or one of: {', '.join(bundled())}",
        )
    for key, value in state.items():
        if value.is_floating_point() and not value.isfinite().all():
            hint = "its training diverged, or it is damaged: take an earlier checkpoint"
            raise VosbenchError(f"{path} holds weights that are no numbers: {key} has NaN or infinity", hint)
