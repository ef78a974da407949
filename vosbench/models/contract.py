"""What every matching network must do: checks that take a way to build the network.

`vosbench check model ./mynet.py` puts a file of one's own through them; the tests put the networks that ship.
"""

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from weakref import ref

import torch
from torch import Tensor

from vosbench.base.registry import place
from vosbench.base.signals import by_code
from vosbench.errors import VosbenchError
from vosbench.models.base import FrameStep, Keys, Network, State, aggregate, joined, shapes_of
from vosbench.models.geometry import Geometry
from vosbench.models.graphs import owner_of
from vosbench.models.tensors import looks, tensors

Build = Callable[[], Network]
Size = tuple[int, int, int | None]  # height, width, shorter side
SIZES: tuple[Size, ...] = ((56, 90, None), (64, 48, None), (60, 44, 70))
FRAMES = 6


@torch.inference_mode()
def check_model(build: Build) -> list[VosbenchError]:
    """Everything in which a network breaks the contract, each fault once; the messages name file and line."""
    network, found = build(), dict[str, VosbenchError]()
    for check in CHECKS:
        try:
            check(build)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            if not by_code(error):
                raise
            told = isinstance(error, _Broken | VosbenchError)
            reason = str(error) if told else f"{type(error).__name__}: {' '.join(str(error).split())}"
            hint = getattr(error, "hint", "see Network in vosbench/models/base.py")
            fault = VosbenchError(f"{_place(network, error)}: {reason}", hint)
            found.setdefault(re.sub(r"\d+", "", reason), fault)
    return list(found.values())


class _Broken(Exception):  # noqa: N818 - a finding, not an error of this program
    """What is wrong, and in which method."""

    def __init__(self, method: str, reason: str) -> None:
        super().__init__(f"{method} {reason}")
        self.method = method


def geometry_leads_back(build: Build) -> None:
    network, generator = build(), torch.Generator().manual_seed(0)
    for size in SIZES:
        height, width, _ = size
        geometry, frame, masks = _video(network, size, generator)
        stride, shape = network.spec.stride, tuple(frame.shape)
        grid = tuple(length // stride for length in shape[2:])
        whole = shape[:2] == (1, 3) and geometry.grid == grid and shape[2:] == (stride * grid[0], stride * grid[1])
        _demand(whole, "geometry", f"prepares {height}x{width} as {shape}, which is not {geometry.grid} tokens")
        back = geometry.restore(masks)
        _demand(back.shape == (2, height, width), "geometry", f"restores {tuple(back.shape)}, not {height}x{width}")
        same = geometry.inference != geometry.original or bool((back.sum((1, 2)) == masks.sum((1, 2))).all())
        _demand(same, "geometry", "loses pixels of masks between prepare_masks and restore")


def keys_are_those_of_the_spec(build: Build) -> None:
    network = build()
    for geometry, frame, _ in _videos(network):
        features = network.encode(frame)
        tokens, query, spec = network.tokens(features), network.query(features), network.spec
        expected = {name: extra.channels for name, extra in spec.extras.items()}
        found = {name: extra.shape[-1] for name, extra in tokens.extras.items()}
        _demand(found == expected, "tokens", f"gives the extras {found}, the spec names {expected}")
        for method, keys in (("tokens", tokens), ("query", query)):
            _expect(method, keys.key, (geometry.tokens, spec.key_dim))
            for name, extra in keys.extras.items():
                _expect(f"{method}, {name}", extra, (geometry.tokens, extra.shape[-1]))
        for method, one, other in zip(("tokens", "query"), (tokens, query), network.keys(frame), strict=True):
            pairs = zip(tensors(one), tensors(other), strict=True)
            _demand(all(torch.equal(a, b) for a, b in pairs), "keys", f"gives another {method} than encode does")


def scores_are_of_pairs(build: Build) -> None:
    """Of some tokens and pixels they are those of all; a token may be the query."""
    network = build()
    _, frame, _ = next(_videos(network))
    tokens, query = network.keys(frame)
    count = len(tokens)
    whole = network.scores(tokens, query)
    _expect("scores", whole, (count, count))
    some, rows = torch.arange(0, count, 3).flip(0), torch.arange(1, count, 4)
    part = network.scores(tokens[some], query[rows])
    scale = float(whole.abs().max()) + 1
    close = torch.allclose(part, whole[rows][:, some], rtol=1e-4, atol=1e-5 * scale)
    _demand(close, "scores", "of some tokens are not those of the same tokens among all")
    out = whole.new_empty(count, count)
    given = network.scores(tokens, query, out=out)
    written = given.data_ptr() == out.data_ptr() and torch.allclose(given, whole, rtol=1e-4, atol=1e-5 * scale)
    _demand(written, "scores", "are not written to `out`")
    _expect("scores of tokens among each other", network.scores(tokens, tokens), (count, count))


def what_is_decoded_fits(build: Build) -> None:
    network = build()
    for joint, state in (step for appearing in ((2,), (1, 0, 2), (1,)) for step in _walk(network, appearing)):
        objects, ones = len(joint) - 1, joint.sum(0)
        _demand(bool(joint.isfinite().all()), "decode", "gives logits that are no number")
        _demand(torch.allclose(ones, torch.ones_like(ones), atol=1e-4), "aggregate", "does not sum up to 1")
        for name, tensor in state.items():
            fits = len(tensor) == objects and bool(tensor.isfinite().all())
            _demand(fits, "start", f"{name} is {tuple(tensor.shape)} of {objects} objects")


def two_builds_and_two_videos_are_the_same(build: Build) -> None:
    network = build()
    first, again, other = (_joints(net, (1, 0, 2)) for net in (network, network, build()))
    _demand(all(map(torch.equal, first, again)), "decode", "remembers the video before, or is left to chance")
    _demand(all(map(torch.equal, first, other)), "build", "makes another network the second time")


def nothing_comes_from_the_future(build: Build) -> None:
    network = build()
    short, whole = _joints(network, (2,), frames=3), _joints(network, (2,))
    _demand(all(map(torch.equal, short, whole)), "decode", "depends on frames that come later")


def objects_are_alike(build: Build) -> None:
    """Which of two objects comes first must not matter."""
    network = build()
    for one, other in zip(_joints(network, (2,)), _joints(network, (2,), turned=True), strict=True):
        _demand(torch.allclose(one, other[[0, 2, 1]], atol=1e-3), "decode", "depends on the order of the objects")


def evaluation_changes_nothing(build: Build) -> None:
    network = build()
    _demand(not network.training, "build", "leaves the network in training mode")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    _joints(network, (2,))
    for name, tensor in network.state_dict().items():
        _demand(_same(tensor, before[name]), "decode", f"changes {name} while it segments")


def inputs_are_left_alone(build: Build) -> None:
    network = build()
    methods = ("encode", "tokens", "query", "scores", "decode", "aggregate", "encode_value", "start")
    guards = {method: _guarded(method, getattr(network, method)) for method in methods}
    own, launched = dict(vars(network)), list[tuple[Callable[[], Any], str]]()

    def launch(function: Callable, *inputs: Any) -> Any:
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
        name = getattr(function, "__name__", type(function).__name__) + (f" (line {line})" if line else "")
        try:
            looks(inputs)  # may be told from others
            launched.append((ref(owner_of(function)[0]), name))
        except TypeError as error:
            raise TypeError(f"launch is given what makes no graph: {error}") from None
        return _guarded("launch", function)(*inputs)

    try:
        vars(network).update(guards | {"graphs": launch})
        _joints(network, (1, 0, 2))
    finally:
        vars(network).clear()
        vars(network).update(own)
    gone = Counter(name for owner, name in launched if owner() is None)
    for name, times in gone.items():
        _demand(times == 1, "launch", f"is given {name} made anew in each frame, which makes no graph: make it once")


def strategies_in_a_batch_are_each_alone(build: Build) -> None:
    network, draw = build(), torch.Generator().manual_seed(3)
    geometry, frame, masks = next(_videos(network))
    features, step = network.encode(frame), FrameStep(1, 1, False, False, (2,))
    state, readout = network.start(2, features), torch.rand(2, network.spec.value_dim, *geometry.grid, generator=draw)
    readouts, planes, states, steps = (readout, readout.flip(0)), (masks, masks.flip(0)), (state, state), (step, step)
    decoded = network.decode_several(readouts, features, states, planes, steps)
    encoded = network.encode_several(frame, features, planes, states, states, steps)
    for i, (one, mask) in enumerate(zip(readouts, planes, strict=True)):
        logits = network.decode(one, features, state, mask, step)
        values = network.encode_value(frame, features, mask, state, state, step)
        for method, found, alone in (("decode_several", decoded[i], logits), ("encode_several", encoded[i], values)):
            pairs = zip(tensors(found), tensors(alone), strict=True)
            alike = all(torch.allclose(a, b, rtol=1e-3, atol=1e-3, equal_nan=True) for a, b in pairs)
            _demand(alike, method, "gives a strategy something else than it gets alone")


def its_weights_are_known_again(build: Build) -> None:
    family, shapes = type(build()), {name: tuple(t.shape) for name, t in build().state_dict().items()}
    if shapes.items() <= set().union(*(shapes_of(family, config).items() for config in family.configs())):
        config = family.detect(shapes)  # batch norm that was folded away leaves others
        known = config is not None and shapes.items() <= shapes_of(family, config).items()
        _demand(known, "detect", f"takes its own weights for {config!r}")


CHECKS: tuple[Callable[[Build], None], ...] = (
    geometry_leads_back,
    keys_are_those_of_the_spec,
    scores_are_of_pairs,
    what_is_decoded_fits,
    two_builds_and_two_videos_are_the_same,
    nothing_comes_from_the_future,
    objects_are_alike,
    evaluation_changes_nothing,
    inputs_are_left_alone,
    strategies_in_a_batch_are_each_alone,
    its_weights_are_known_again,
)


def _video(network: Network, size: Size, generator: torch.Generator) -> tuple[Geometry, Tensor, Tensor]:
    """A frame of noise as the network's input, and two masks beside each other, [2,H',W']."""
    height, width, side = size
    device = next(network.parameters()).device
    geometry = network.geometry(height, width, side)
    rgb = torch.randint(256, (height, width, 3), generator=generator, dtype=torch.uint8).numpy()
    masks = torch.zeros(2, height, width, dtype=torch.bool)
    masks[0, 4:30, 3 : width // 2] = masks[1, 10:40, width // 2 : width - 3] = True
    return geometry, geometry.prepare(rgb, device), geometry.prepare_masks(masks.numpy(), device)


def _videos(network: Network) -> Iterator[tuple[Geometry, Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return (_video(network, size, generator) for size in SIZES)


def _walk(
    network: Network, appearing: tuple[int, ...], frames: int = FRAMES, turned: bool = False
) -> Iterator[tuple[Tensor, State]]:
    """Joint probabilities [O+1,H',W'] and state after each frame of noise; every other is written, and all are read.

    `appearing` says how many objects come in each of the first frames; `turned` gives them in another order.
    """
    generator, spec = torch.Generator().manual_seed(2), network.spec
    keys, values, groups = list[Keys](), list[Tensor](), list[int]()
    state: State = {}
    joint = torch.ones(1, 1, 1)
    for t in range(frames):
        geometry, frame, masks = _video(network, SIZES[0], generator)
        features = network.encode(frame)
        count = appearing[t] if t < len(appearing) else 0
        step = FrameStep(t, t % 2, count > 0, False, tuple(groups))
        before = state
        if groups:
            query, objects = network.query(features), sum(groups)
            extras = {name: torch.cat([k.extras[name] for k in keys]) for name in keys[0].extras}
            memory = Keys(torch.cat([k.key for k in keys]), extras)
            weights = network.scores(memory, query).softmax(1)
            held = torch.cat([torch.cat([v, v.new_zeros(len(v), objects - v.shape[1], v.shape[2])], 1) for v in values])
            readout = torch.einsum("qn,noc->ocq", weights, held).unflatten(2, geometry.grid)
            logits, state = network.decode(readout, features, before, joint[1:], step)
            _expect("decode", logits, (objects, *frame.shape[2:]))
            _demand(state.keys() == before.keys(), "decode", f"returns the state {[*state]}, not {[*before]}")
            joint = network.aggregate(logits)
        if count:
            new = (masks.flip(0) if turned else masks)[:count]
            known = [joint[1:] * (1 - new.amax(0))] if len(joint) > 1 else []
            joint = aggregate(torch.cat([*known, new])).softmax(0)
            fresh = network.start(count, features)
            sizes = {name: len(tensor) for name, tensor in fresh.items()}
            _demand({*sizes.values()} <= {count}, "start", f"gives {sizes}, not a state for each of {count} objects")
            before, state = joined(before, fresh), joined(state, fresh)
            groups.append(count)
        if count or t % 2 == 0:
            encoded, state = network.encode_value(frame, features, joint[1:], before, state, step)
            _expect("encode_value", encoded, (sum(groups), spec.value_dim, *geometry.grid))
            _demand(state.keys() == before.keys(), "encode_value", f"returns the state {[*state]}, not {[*before]}")
            keys.append(network.tokens(features))
            values.append(encoded.flatten(2).permute(2, 0, 1))
        yield joint, state


def _joints(network: Network, appearing: tuple[int, ...], **options: Any) -> list[Tensor]:
    return [joint for joint, _ in _walk(network, appearing, **options)]


def _guarded(method: str, act: Callable) -> Callable:
    def guarded(*arguments: Any) -> Any:
        pairs = [(tensor, tensor.clone()) for tensor in tensors(arguments)]
        result = act(*arguments)
        _demand(all(_same(now, before) for now, before in pairs), method, "changes what it is given")
        return result

    return guarded


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal, or no number in the same places."""
    return torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


def _expect(method: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    found = f"{tensor.dtype} {tuple(tensor.shape)}".removeprefix("torch.")
    fits = tensor.is_floating_point() and tuple(tensor.shape) == shape
    _demand(fits, method, f"gives {found}, not floats {shape}")
    _demand(bool(tensor.isfinite().all()), method, "gives what is no number")


def _demand(holds: bool, method: str, reason: str) -> None:
    if not holds:
        raise _Broken(method, reason)


def _place(network: Network, error: BaseException) -> str:
    """`FILE:LINE` of the method that is at fault, or in which the error arose; else of where the class begins."""
    family = type(network)
    if not isinstance(error, _Broken):
        return place([family], error)
    method = getattr(family, error.method.partition(",")[0].partition(" ")[0], family)
    return place([method if inspect.getsourcefile(method) == inspect.getsourcefile(family) else family])
