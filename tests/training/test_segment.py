"""What training predicts for a clip: as inference does, and as a plain version does, to the weights after a step."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vosbench.inference.propagate import propagate
from vosbench.memory.spec import load_policy
from vosbench.models.checkpoint import load_model
from vosbench.models.geometry import MEAN, STD
from vosbench.training.clips import GeneratedClips
from vosbench.training.freezing import freeze_batch_norm
from vosbench.training.loss import bootstrapped_cross_entropy
from vosbench.training.regularisation import TrainingRead
from vosbench.training.segment import ClipSegmenter, mean_iou
from vosbench.video import Sequence


@pytest.fixture(scope="module")
def lively_model(small_model):
    """The small network with larger random weights, so that what the memory returns matters."""
    torch.manual_seed(0)
    model = copy.deepcopy(small_model)
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    return model


def clip_of(small_clip, objects):
    """One clip of 32x48 with objects 1 to `objects`: rgb uint8 [3,32,48,3], labels uint8 [3,32,48]."""
    rgb, labels = (part[:3, :32, :48] for part in small_clip)
    labels = np.where(labels <= objects, labels, 0).astype(np.uint8)
    assert set(np.unique(labels[0])) == set(range(objects + 1))
    return rgb, labels


def tensors_of(rgb, labels):
    return torch.from_numpy(rgb.copy()).permute(0, 3, 1, 2)[None], torch.from_numpy(labels)[None]


@pytest.mark.parametrize(("objects", "planes"), [(1, 1), (1, 2), (2, 2)])
def test_training_computes_what_inference_does(objects, planes):
    """Every frame written and all tokens read: `propagate` must give the probabilities that training sees."""
    model = load_model("stcn-tiny")
    drawn = (GeneratedClips(64).draw(0, np.random.default_rng(number), 0.1) for number in range(100))
    rgb, labels = next(clip for clip in drawn if clip[1][0].max() == objects)
    logits = ClipSegmenter(model, planes)(*tensors_of(rgb, labels))
    assert logits.shape == (2, 1, planes + 1, 64, 64)
    sequence = Sequence.from_arrays(rgb, {0: labels[0]})
    predictions = list(propagate(model, sequence, load_policy("every-k:k=1"), top_k=10_000))
    for t in (1, 2):
        found = logits[t - 1].softmax(1)[0]
        assert len(predictions[t].prob) == objects + 1
        torch.testing.assert_close(found[: objects + 1], predictions[t].prob, atol=1e-4, rtol=0)
        assert (found[objects + 1 :] < 1e-4).all()  # the plane of an absent object


def plain_loss(model, rgb, labels):
    """The two-object loss of one clip, object by object, pixel by pixel in the read."""
    frames = [
        torch.stack([(torch.from_numpy(f[..., c].copy()).float() / 255 - MEAN[c]) / STD[c] for c in range(3)])[None]
        for f in rgb
    ]
    features = [model.encode_key(frame) for frame in frames]
    masks = [[torch.from_numpy((labels[0] == i).astype(np.float32)) for i in (1, 2)]]
    values, losses = [], []
    for t in (1, 2):
        of_frame = model.value_encoder.of_frame(features[t - 1].f16)
        values.append(model.object_values(frames[t - 1], of_frame, torch.stack(masks[-1])[None])[0])
        of_frame = model.decoder.of_frame(features[t].thin, features[t].f8, features[t].f4)
        probabilities = []
        for o in (0, 1):
            keys = torch.cat([features[s].key[0].flatten(1) for s in range(t)], 1)  # [CK,N]
            bank = torch.cat([values[s][o].flatten(1) for s in range(t)], 1)  # [CV,N]
            columns = []
            for q in features[t].key[0].flatten(1).T:
                scores = -(keys - q[:, None]).square().sum(0) / len(q) ** 0.5
                columns.append(bank @ scores.softmax(0))
            read = torch.stack(columns, 1).unflatten(1, features[t].key.shape[-2:])
            probabilities.append(torch.sigmoid(model.decoder(read[None], of_frame)[0, 0]))
        a, b = probabilities
        joint = torch.stack([(1 - a) * (1 - b), a, b]).clamp(1e-7, 1 - 1e-7)
        logits = torch.log(joint / (1 - joint))
        losses.append(F.cross_entropy(logits[None], torch.from_numpy(labels[t].astype(np.int64))[None]))
        masks.append(list(logits.softmax(0)[1:]))
    return (losses[0] + losses[1]) / 2


def test_a_step_of_two_objects_equals_a_plain_one(lively_model, small_clip):
    rgb, labels = clip_of(small_clip, 2)
    models = [copy.deepcopy(lively_model).requires_grad_(True) for _ in range(2)]
    assert not models[0].training  # batch norm frozen: the plain version sees a frame at a time
    logits = ClipSegmenter(models[0], 2)(*tensors_of(rgb, labels))
    targets = torch.from_numpy(labels).long()
    found = sum(bootstrapped_cross_entropy(x, targets[t][None], 1.0) for t, x in enumerate(logits, start=1)) / 2
    expected = plain_loss(models[1], rgb, labels)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    for model, loss in zip(models, (found, expected), strict=True):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        loss.backward()
        optimizer.step()
    for (name, a), b, start in zip(
        models[0].named_parameters(), models[1].parameters(), lively_model.parameters(), strict=True
    ):
        if name == "key_proj.key_proj.bias":  # distances do not change with it
            assert max((a - start).abs().max(), (b - start).abs().max()) < 1e-6
            continue
        assert (b - start).norm() > 1e-6, name
        assert (a - b).norm() < 1e-3 * (b - start).norm(), name


def test_the_read_can_be_regularised(lively_model, small_clip):
    clip = tensors_of(*clip_of(small_clip, 2))
    plain = ClipSegmenter(lively_model, 2)(*clip)
    for read in (TrainingRead(0.5), TrainingRead(reallocation="printed"), TrainingRead(0.5, "sign-consistent")):
        segmenter = ClipSegmenter(lively_model, 2, read)
        segmenter.generator = torch.Generator().manual_seed(1)
        found = segmenter(*clip)
        assert found.isfinite().all()
        assert not torch.equal(found, plain)
        segmenter.generator.manual_seed(1)
        assert torch.equal(segmenter(*clip), found)


def test_half_precision_gives_sound_logits(small_model, small_clip):
    clip = tensors_of(*clip_of(small_clip, 2))
    with torch.autocast("cpu", torch.float16):
        found = ClipSegmenter(small_model, 2)(*clip)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.softmax(2), ClipSegmenter(small_model, 2)(*clip).softmax(2), atol=0.02, rtol=0)


def test_frozen_batch_norm_keeps_its_statistics(lively_model, small_clip):
    clip = tensors_of(*clip_of(small_clip, 2))
    changed = {}
    for frozen in (False, True):
        model = copy.deepcopy(lively_model).requires_grad_(True).train()
        if frozen:
            freeze_batch_norm(model, ["key_encoder", "value_encoder"])
        ClipSegmenter(model, 2)(*clip).square().mean().backward()
        buffers = zip(model.named_buffers(), lively_model.buffers(), strict=True)
        changed[frozen] = [name for (name, a), b in buffers if not torch.equal(a, b)]
        assert model.key_encoder.bn1.weight.grad.abs().sum() > 0  # its factors learn either way
    assert "key_encoder.bn1.running_mean" in changed[False]
    assert changed[True] == []


def test_iou_equals_loops():
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(3, 3, 4, 5, generator=generator), torch.randint(3, (3, 4, 5), generator=generator)
    logits[1, 2], labels[1][labels[1] == 2] = -100, 0  # object 2 is in neither mask of clip 1: not counted
    scores = []
    for b in range(3):
        predicted = logits[b].argmax(0)
        for i in (1, 2):
            both = sum(bool(p == i and g == i) for p, g in zip(predicted.flatten(), labels[b].flatten(), strict=True))
            either = sum(bool(p == i or g == i) for p, g in zip(predicted.flatten(), labels[b].flatten(), strict=True))
            if either:
                scores.append(both / either)
    assert len(scores) == 5
    assert mean_iou(logits, labels).item() == pytest.approx(sum(scores) / 5)
