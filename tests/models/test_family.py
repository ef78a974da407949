"""A family of networks that vosbench does not know, with extras of tokens and a recurrent state, everywhere in it."""

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import toy_network
from arrays import true_masks
from torch import Tensor
from toy_network import CH, CK, CV, STRIDE, Toy

from vosbench.base import registry
from vosbench.errors import VosbenchError
from vosbench.inference.propagate import propagate
from vosbench.inference.session import Session
from vosbench.memory.registry import POLICIES
from vosbench.memory.spec import load_policy
from vosbench.memory.trial import TrialVideo as Trial
from vosbench.memory.trial import drive
from vosbench.models.base import FrameStep, Network
from vosbench.models.checkpoint import load_model, read_checkpoint
from vosbench.models.stcn.network import CONFIGS, STCN
from vosbench.simulation.cache import keep, load
from vosbench.simulation.replay import replay
from vosbench.video import Sequence

CONSOLIDATING = "xmem:every=1,min_frames=2,max_frames=4,prototypes=9"
NEED_MASKS = {"gated", "object-lfu", "rmem", "oracle-masks"}


@pytest.fixture(scope="module")
def toy() -> Network:
    """With the weights of its building."""
    return load_model(toy_network.__file__)


@pytest.fixture
def known(monkeypatch):
    """As if a package had registered the family."""
    point = SimpleNamespace(name="toy", value="toys:Toy", load=lambda: Toy)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] * (group == "vosbench.models"))


@pytest.fixture
def sequence(small_clip):
    """Object 2 from frame 1, object 1 from frame 6."""
    rgb, labels = small_clip
    return Sequence.from_arrays(rgb, {1: labels[1] * (labels[1] == 2), 6: labels[6]})


# Against loops


def plain(toy: Network, rgb: np.ndarray, annotations: dict[int, np.ndarray], every: int) -> list[Tensor]:
    """every-k in loops over tokens: joint probabilities [O+1,H,W] of each frame from the first annotated one on."""
    memory: list[tuple[int, list[float], float, list[list[float]]]] = []  # frame, key, shrinkage, value per object
    hidden, joint, appeared, last, out = torch.zeros(0), torch.ones(0), [], 0, []
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    for t, picture in enumerate(rgb):
        frame = ((torch.from_numpy(picture).permute(2, 0, 1) / 255 - mean) / std)[None]
        features = toy.encode(frame)
        tokens, grid = toy.tokens(features), features["trunk"].shape[2:]
        keys, shrinks, selects = (x.tolist() for x in (tokens.key, *tokens.extras.values()))
        new, decoded = annotations.get(t), hidden
        if new is None and not appeared:
            continue
        if appeared:
            readout = torch.zeros(len(appeared), CV, len(keys))
            for q, (key, select) in enumerate(zip(keys, selects, strict=True)):
                for o, first in enumerate(appeared):
                    valid = [token for token in memory if token[0] >= first]
                    scored = sorted(((similar(k, s, key, select), v) for _, k, s, v in valid), key=lambda x: -x[0])[:5]
                    powers = [math.exp(score - scored[0][0]) for score, _ in scored]
                    for power, (_, values) in zip(powers, scored, strict=True):
                        readout[o, :, q] += power / sum(powers) * torch.tensor(values[o])
            step = FrameStep(t, t - last, new is not None, t == len(rgb) - 1, (len(appeared),))
            logits, state = toy.decode(readout.unflatten(2, grid), features, {"hidden": hidden}, joint[1:], step)
            decoded, masks = state["hidden"], logits.sigmoid()
            joint = softly(masks)
        if new is not None:
            planes = torch.stack([torch.from_numpy(new == i).float() for i in sorted({*np.unique(new)} - {0})])
            masks = planes if not appeared else torch.cat([joint[1:] * (1 - planes.amax(0)), planes])
            joint = softly(masks)
            fresh = torch.zeros(len(planes), CH, *grid)
            hidden, decoded = (torch.cat([x, fresh]) if appeared else fresh for x in (hidden, decoded))
            appeared += [t] * len(planes)
        out.append(joint)
        if t < len(rgb) - 1 and (new is not None or t - last >= every):
            step = FrameStep(t, t - last, new is not None, False, (len(appeared),))
            values, state = toy.encode_value(frame, features, joint[1:], {"hidden": hidden}, {}, step)
            decoded, last = state["hidden"], t
            rows = values.flatten(2).permute(2, 0, 1).tolist()
            memory += [(t, k, s[0], v) for k, s, v in zip(keys, shrinks, rows, strict=True)]
        hidden = decoded
    return out


def similar(key: list[float], shrinkage: float, query: list[float], selection: list[float]) -> float:
    terms = (e * (a - b) ** 2 for e, a, b in zip(selection, key, query, strict=True))
    return -shrinkage * sum(terms) / math.sqrt(CK)


def softly(masks: Tensor) -> Tensor:
    both = torch.cat([(1 - masks).prod(0, keepdim=True), masks]).clamp(1e-7, 1 - 1e-7)
    return (both / (1 - both)).log().softmax(0)


@pytest.mark.parametrize("first", [{0: (1, 2)}, {0: (2,), 4: (1,)}])
def test_the_frame_loop_equals_loops_over_tokens(toy, small_clip, first):
    labels = small_clip[1]
    rgb = np.random.default_rng(0).integers(0, 32, small_clip[0].shape, np.uint8) + small_clip[0] // 2  # no ties
    annotations = {t: np.where(np.isin(labels[t], ids), labels[t], 0) for t, ids in first.items()}
    expected = plain(toy, rgb[:12], annotations, every=3)
    session = Session(toy, load_policy("every-k:k=3"))
    for t, joint in enumerate(expected):
        found = session.step(rgb[t], annotations.get(t)).prob
        order = [0, *(sorted(session.ids).index(i) + 1 for i in session.ids)]
        torch.testing.assert_close(found[order], joint, rtol=1e-4, atol=1e-5)


def test_the_state_matters(toy, sequence, monkeypatch):
    usual = torch.stack([p.prob for p in propagate(toy, sequence, load_policy("every-k"))])
    decode = toy.decode
    monkeypatch.setattr(toy, "decode", lambda r, f, s, j, t: decode(r, f, {"hidden": 0 * s["hidden"]}, j, t))
    without = torch.stack([p.prob for p in propagate(toy, sequence, load_policy("every-k"))])
    assert (usual - without).abs().max() > 0.05


# Everywhere


@pytest.mark.parametrize("spec", POLICIES.names())
def test_every_strategy_runs(toy, sequence, small_clip, spec):
    policy = load_policy(spec)
    for p in propagate(toy, sequence, policy, truth=true_masks(small_clip[1])):
        torch.testing.assert_close(p.prob.sum(0), torch.ones(40, 56))
        bank = policy.bank
        assert p.timing.tokens_per_frame == 5 * 7
        assert p.timing.memory_bytes == bank.count * (CK + CV * p.timing.objects + 1 + CK) * 4
    for frame in bank.frame[bank.occupied].unique():
        held = bank.occupied & (bank.frame == frame)
        assert bank.extras["shrinkage"][held].min() >= 1
        if spec not in {"afb", "xmem"}:  # which compute tokens
            with torch.inference_mode():
                rgb = toy.geometry(40, 56, None).prepare(small_clip[0][frame], torch.device("cpu"))
                own = toy.tokens(toy.encode(rgb))[bank.position[held]]
            assert torch.equal(bank.extras["shrinkage"][held], own.extras["shrinkage"])
            assert torch.equal(bank.extras["selection"][held], own.extras["selection"])


@pytest.mark.parametrize("spec", sorted({*POLICIES.names(), CONSOLIDATING} - NEED_MASKS))
def test_a_simulation_holds_what_a_run_holds(toy, sequence, small_clip, spec, tmp_path):
    """Through a file, in which queries have what tokens do not."""
    trace = load(keep(tmp_path, toy, "weights", sequence, "files"))
    assert [*trace.tokens.extras] == ["shrinkage", "selection"]
    assert [*trace.queries.extras] == ["selection"]
    run, other = load_policy(spec), load_policy(spec)
    ran = [
        [run.bank.key.clone(), run.bank.extras["shrinkage"].clone(), run.bank.occupied.clone()]
        for _ in propagate(toy, sequence, run, truth=true_masks(small_clip[1]))
    ]
    for moment in replay(trace, {spec: other}, toy):
        if moment.frame > trace.first:
            key, shrinkage, occupied = ran[moment.frame - 1]
            assert torch.equal(other.bank.occupied, occupied)
            assert torch.equal(other.bank.key[occupied], key[occupied])
            assert torch.equal(other.bank.extras["shrinkage"][occupied], shrinkage[occupied])


@pytest.mark.parametrize("spec", POLICIES.names())
def test_the_trial_of_a_strategy_takes_its_tokens(toy, small_clip, spec):
    rgb, labels = small_clip
    geometry = toy.geometry(40, 56, None)
    with torch.inference_mode():
        tokens = [toy.keys(geometry.prepare(frame, torch.device("cpu")))[0] for frame in rgb]
    soft = torch.from_numpy(np.stack([labels == 2, labels == 1], 1)).float()
    trial = Trial(
        torch.stack([t.key for t in tokens]),
        F.avg_pool2d(soft, STRIDE).flatten(2),
        {0: 1, 6: 1},
        extras={name: torch.stack([t.extras[name] for t in tokens]) for name in tokens[0].extras},
        scores=toy.scores,
    )
    for now, bank in drive(load_policy(spec), trial):
        assert all(bool(readout.isfinite().all()) for readout in now.readouts)
        assert bank.extras["selection"].shape == (bank.extent, CK)


# Found by its names


@pytest.mark.usefixtures("known")
def test_weights_are_matched_by_their_names(toy, sequence, tmp_path):
    torch.save(toy.state_dict(), tmp_path / "toy.pth")
    checkpoint, model = read_checkpoint(tmp_path / "toy.pth"), load_model(tmp_path / "toy.pth")
    assert (checkpoint.family, type(model)) == (Toy, Toy)
    for p, q in zip(*(propagate(m, sequence, load_policy("lfu")) for m in (toy, model)), strict=True):
        torch.testing.assert_close(p.prob, q.prob)
    torch.save(STCN(CONFIGS["stcn-tiny"]).state_dict(), tmp_path / "other.pth")
    assert read_checkpoint(tmp_path / "other.pth").family is STCN
    torch.save({k: v for k, v in toy.state_dict().items() if k != "head.bias"}, tmp_path / "short.pth")
    with pytest.raises(VosbenchError, match=r"does not fit Toy: of 10 tensors 1 missing \(head.bias\)"):
        load_model(tmp_path / "short.pth")


@pytest.mark.usefixtures("known")
def test_a_network_that_compares_keys_in_its_own_way(toy, tmp_path):
    torch.save(toy.state_dict(), tmp_path / "toy.pth")
    with pytest.raises(VosbenchError, match="keys of toy are compared in its own way, not by cosine") as caught:
        load_model(tmp_path / "toy.pth", affinity="cosine")
    assert "affinity" in caught.value.hint
    assert load_model("stcn-tiny", affinity="cosine").affinity == "cosine"


def test_the_source_of_a_network_counts_and_what_it_imports_from_beside_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = Path(toy_network.__file__).read_text()
    (tmp_path / "net.py").write_text(source.replace("\nimport torch\n", "\nimport my_blocks\nimport torch\n", 1))
    hashes = set()
    for text in ("", "# edited\n"):
        (tmp_path / "my_blocks.py").write_text(text)
        hashes.add(read_checkpoint(tmp_path / "net.py").source_hash)
    assert len(hashes | {read_checkpoint(toy_network.__file__).source_hash}) == 3
    assert read_checkpoint("stcn-tiny").source_hash == ""  # it is part of the version of the code


def test_a_file_may_name_weights_beside_it(toy, tmp_path):
    changed = {name: tensor + 1 for name, tensor in toy.state_dict().items()}
    torch.save(changed, tmp_path / "net.pth")
    source = Path(toy_network.__file__).read_text()
    (tmp_path / "net.py").write_text(source.replace("def __init__", 'weights = "net.pth"\n\n    def __init__', 1))
    assert torch.equal(load_model(tmp_path / "net.py").state_dict()["trunk.bias"], changed["trunk.bias"])
    torch.save({"trunk.bias": changed["trunk.bias"]}, tmp_path / "net.pth")
    with pytest.raises(VosbenchError, match="of 10 tensors 9 missing"):
        load_model(tmp_path / "net.py")
