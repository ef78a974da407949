"""What the network predicts for a training clip: the second and the third frame are segmented from predictions."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.models.base import aggregate
from vosbench.models.geometry import MEAN, STD
from vosbench.models.stcn.network import STCN, STRIDE, KeyFeatures
from vosbench.training.regularisation import TrainingRead
from vosbench.training.sampling import FRAMES
from vosbench.training.spoiling import spoil

Pairs = tuple[Tensor, ...]  # numbers of clips and of objects, int64 [P] each


class ClipSegmenter(nn.Module):
    """The network as a function of a clip, as data-parallel training wraps it; `generator` decides what is dropped."""

    def __init__(self, model: STCN, objects: int, read: TrainingRead | None = None, spoiled: float = 0.0) -> None:
        super().__init__()
        self.model, self.objects, self.read = model, objects, read or TrainingRead()
        self.spoiled = spoiled  # chance that a predicted mask is made wrong before it enters the memory
        self.generator = torch.Generator(next(model.parameters()).device)

    def forward(self, rgb: Tensor, labels: Tensor) -> Tensor:
        """Logits of the second and third frame, float32 [2,B,O+1,S,S], given the masks of the first.

        rgb uint8 [B,3,3,S,S] (clip, frame, channel), labels uint8 [B,3,S,S] with ids 0 to O. The second frame's
        value comes from its prediction; the third frame reads both. Objects that the first frame lacks have
        probability 0 and cost nothing: values and masks are computed for the P pairs of a clip and an object in it.
        """
        mean, std = (rgb.new_tensor(v, dtype=torch.float32)[:, None, None] for v in (MEAN, STD))
        frames = (rgb.float() / 255 - mean) / std
        first = torch.stack([(labels[:, 0] == i + 1).float() for i in range(self.objects)], 1)
        present = first.amax((2, 3))  # [B,O]
        present[0, 0] += not present.any()
        pairs = present.nonzero(as_tuple=True)  # clips and objects, [P] each
        # Backward through depthwise convolutions a CPU is several times slower in half precision than in full.
        with torch.autocast(rgb.device.type, enabled=rgb.is_cuda and torch.is_autocast_enabled(rgb.device.type)):
            features = self.model.encode_key(frames.flatten(0, 1))
        by_frame = [type(features)(*(f.unflatten(0, (-1, FRAMES))[:, t] for f in features)) for t in range(FRAMES)]
        keys = [f.key.flatten(2).mT for f in by_frame]  # [B,hw,CK]
        mask, values, masks, logits = first, [], [], []
        for t in range(1, FRAMES):
            if self.spoiled and t > 1:
                mask = _by_object(spoil(mask[pairs], self.spoiled, self.generator), pairs, mask.shape[:2])
            value = self._value(frames[:, t - 1], by_frame[t - 1], mask, pairs)
            values.append(value.flatten(3).mT)  # [B,O,hw,CV]
            masks.append(F.avg_pool2d(mask, STRIDE).flatten(2))  # [B,O,hw]
            read = self.read(torch.cat(keys[:t], 1), keys[t], torch.cat(values, 2), torch.cat(masks, 2), self.generator)
            read = read.mT.unflatten(3, value.shape[-2:])
            joint = aggregate(self._decoded(read, by_frame[t], pairs))
            logits.append(joint)
            mask = joint.softmax(1)[:, 1:]
        return torch.stack(logits)

    def _value(self, frame: Tensor, features: KeyFeatures, masks: Tensor, pairs: Pairs) -> Tensor:
        """As `STCN.encode_value`, 0 where an object is absent: [B,O,CV,h,w]."""
        others = (masks.sum(1, keepdim=True) - masks) if masks.shape[1] > 1 else torch.zeros_like(masks)
        seen = torch.cat([frame[pairs[0]], masks[pairs][:, None], others[pairs][:, None]], 1)
        of_frame = self.model.value_encoder.of_frame(features.f16[pairs[0]])
        return _by_object(self.model.value_encoder(seen, of_frame), pairs, masks.shape[:2])

    def _decoded(self, read: Tensor, features: KeyFeatures, pairs: Pairs) -> Tensor:
        """Probabilities, 0 where an object is absent: read [B,O,CV,h,w] -> float32 [B,O,S,S]."""
        of_frame = self.model.decoder.of_frame(*(f[pairs[0]] for f in (features.thin, features.f8, features.f4)))
        found = self.model.decoder(read[pairs], of_frame)[:, 0]
        return _by_object(torch.sigmoid(found.float()), pairs, read.shape[:2])


def _by_object(x: Tensor, pairs: Pairs, shape: Sequence[int]) -> Tensor:
    """[P,...] of the pairs to [B,O,...] of `shape` (B, O), 0 elsewhere."""
    return x.new_zeros((*shape, *x.shape[1:])).index_put(pairs, x)


@torch.no_grad()
def mean_iou(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean intersection over union of objects in either mask: [B,O+1,H,W], labels [B,H,W] -> [] (NaN where none is)."""
    predicted = logits.argmax(1)
    scores = []
    for i in range(1, logits.shape[1]):
        p, g = predicted == i, labels == i
        union = (p | g).sum((1, 2))
        scores.append(((p & g).sum((1, 2)) / union)[union > 0])
    return torch.cat(scores).mean()
