"""`check_model`: sound networks pass, and each way to be broken is found where it is."""

import inspect
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import toy_network
from toy_network import Toy

from vosbench.models.base import Keys
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.contract import check_model


def build(kind):
    def made():
        torch.manual_seed(0)
        return kind().eval().requires_grad_(False)

    return made


class Sound(Toy):
    once = None

    def encode(self, frame):
        if self.once is None:
            self.once = self.launch(torch.sigmoid, frame)
        self.launch(torch.nn.functional.max_pool2d, frame, 2)  # which torch makes within a function
        return self.launch(super().encode, frame)


class Widest(Toy):
    """Gives a channel too many."""

    def tokens(self, features):
        keys = super().tokens(features)
        return Keys(torch.cat([keys.key, keys.key[:, :1]], 1), keys.extras)


class Nameless(Toy):
    """Forgets an extra."""

    def tokens(self, features):
        keys = super().tokens(features)
        return Keys(keys.key, {"shrinkage": keys.extras["shrinkage"]})

    def query(self, features):
        return super().tokens(features)


class Relative(Toy):
    """Normalises scores over the tokens it is shown."""

    def scores(self, keys, query, out=None):
        found = super().scores(keys, query, out)
        return found.sub_(found.mean(1, keepdim=True)).div_(found.std(1, keepdim=True))


class Strange(Toy):
    """Would have a graph of inputs that cannot be told from others."""

    def pooled(self, frame, sizes):  # noqa: ARG002
        return super().encode(frame)

    def encode(self, frame):
        return self.launch(self.pooled, frame, {4})


class Overwriting(Toy):
    """Changes a tensor by a function that is replayed, which would change another."""

    def encode(self, frame):
        self.launch(torch.relu_, frame.clone())
        return super().encode(frame)


class Anew(Toy):
    """Launches what is another function in each frame."""

    def encode(self, frame):
        self.launch(lambda x: torch.nn.functional.avg_pool2d(x, 4), frame)
        return super().encode(frame)


class Undefined(Toy):
    """Decodes to no number; the method for several strategies calls this one, and is not at fault."""

    def decode(self, readout, features, state, masks, step):
        logits, state = super().decode(readout, features, state, masks, step)
        return logits * torch.nan, state


class Deaf(Toy):
    """Does not write to `out`."""

    def scores(self, keys, query, out=None):  # noqa: ARG002
        return super().scores(keys, query)


class Flat(Toy):
    """Gives logits at the stride."""

    def decode(self, *arguments):
        logits, state = super().decode(*arguments)
        return logits[:, ::8, ::8], state


class Forgetful(Toy):
    """Returns no state from the value encoder."""

    def encode_value(self, *arguments):
        return super().encode_value(*arguments)[0], {}


class Short(Toy):
    """Starts one state for all objects."""

    def start(self, objects, features):  # noqa: ARG002
        return super().start(1, features)


class Counting(Toy):
    """Counts the frames of all videos."""

    seen = 0

    def decode(self, *arguments):
        logits, state = super().decode(*arguments)
        self.seen += 1
        return logits + 0.01 * self.seen, state


class Dice(Toy):
    """Unseeded chance."""

    def encode(self, frame):
        return super().encode(frame + 0.01 * torch.rand_like(frame))


class Favouring(Toy):
    """Prefers the first object."""

    def decode(self, *arguments):
        logits, state = super().decode(*arguments)
        return logits + torch.arange(len(logits), 0, -1)[:, None, None], state


class Spoiling(Toy):
    """Sharpens the readout in place."""

    def decode(self, readout, *arguments):
        readout.mul_(1.1)
        return super().decode(readout, *arguments)


class Learning(Toy):
    """Moves its weights."""

    def encode(self, frame):
        self.trunk.bias += 1e-6
        return super().encode(frame)


class Cropping(Toy):
    """Loses a row."""

    def geometry(self, height, width, shorter_side):
        return super().geometry(height - 1, width, shorter_side)


class Unsummed(Toy):
    def aggregate(self, logits):
        return super().aggregate(logits) * 0.9


class Crash(Toy):
    def encode_value(self, frame, features, masks, before, state, step):
        hidden = before["hiden"]
        return super().encode_value(frame, features, masks, {"hidden": hidden}, state, step)


class Mixing(Toy):
    """Lets strategies share the first one's readout."""

    def decode_several(self, readouts, *arguments):
        return super().decode_several([readouts[0]] * len(readouts), *arguments)


class Still(Toy):
    @property
    def spec(self):
        return replace(super().spec, stride=0)


class Adopting(Toy):
    """Takes its weights for another's."""

    @classmethod
    def detect(cls, shapes):  # noqa: ARG003
        return None


EXPECTED = {
    Widest: ("tokens", "gives float32 (84, 5), not floats (84, 4)"),
    Nameless: ("tokens", "gives the extras {'shrinkage': 1}, the spec names {'shrinkage': 1, 'selection': 4}"),
    Relative: ("scores", "of some tokens are not those of the same tokens among all"),
    Strange: ("encode", "TypeError: launch is given what makes no graph: set is neither tensors nor a plain constant"),
    Overwriting: (None, "launch changes what it is given"),
    Anew: (None, "launch is given <lambda> (line "),
    Undefined: ("decode", "gives what is no number"),
    Deaf: ("scores", "are not written to `out`"),
    Flat: ("decode", "gives float32 (2, 7, 12), not floats (2, 56, 96)"),
    Forgetful: ("encode_value", "returns the state [], not ['hidden']"),
    Short: ("start", "gives {'hidden': 1}, not a state for each of 2 objects"),
    Counting: ("decode", "remembers the video before"),
    Dice: (None, "remembers the video before, or is left to chance"),
    Favouring: ("decode", "depends on the order of the objects"),
    Spoiling: ("decode", "changes what it is given"),
    Learning: (None, "changes trunk.bias while it segments"),
    Cropping: ("geometry", "prepares 56x90 as (1, 3, 57, 96), which is not (7, 12) tokens"),
    Unsummed: ("aggregate", "does not sum up to 1"),
    Crash: ("encode_value", "KeyError: 'hiden'"),
    Mixing: ("decode_several", "gives a strategy something else than it gets alone"),
    Still: ("spec", "stride of the network toy must be 1 or more, not 0"),
    Adopting: ("detect", "takes its own weights for None"),
}


def test_sound_networks_pass(small_model):
    assert check_model(build(Sound)) == []
    assert check_model(read_checkpoint(toy_network.__file__).build) == []
    assert check_model(lambda: small_model) == []
    assert small_model.graphs is None  # as it was


def test_the_bundled_network_passes():
    model = read_checkpoint("stcn-tiny").build()
    assert check_model(lambda: model) == []


@pytest.mark.parametrize("kind", [Undefined, Anew])
def test_a_fault_is_told_once(kind):
    assert len(check_model(build(kind))) == 1


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_a_broken_network_is_found_with_file_and_line(kind):
    faults = check_model(build(kind))
    method, message = EXPECTED[kind]
    fault = next((fault for fault in faults if message in fault.message), None)
    assert fault is not None, faults
    file, line = fault.message.split(": ")[0].rsplit(":", 1)
    assert Path(file).resolve() == Path(__file__)
    blamed = getattr(kind, method) if method else kind
    source, begin = inspect.getsourcelines(getattr(blamed, "fget", blamed))
    assert begin <= int(line) < begin + len(source)
    for other in faults:
        assert "\n" not in other.message
        assert other.hint
