"""What the network predicts for a training clip: the second and the third frame are segmented from predictions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.models.base import aggregate
from vosbench.models.geometry import MEAN, STD
from vosbench.models.stcn.network import STCN, STRIDE
from vosbench.training.regularisation import TrainingRead
from vosbench.training.sampling import FRAMES


class ClipSegmenter(nn.Module):
    """The network as a function of a clip, in which form data-parallel training can wrap it.

    `generator` decides what dropout drops (None: torch's global one).
    """

    def __init__(self, model: STCN, objects: int, read: TrainingRead | None = None) -> None:
        super().__init__()
        self.model, self.objects, self.read = model, objects, read or TrainingRead()
        self.generator: torch.Generator | None = None

    def forward(self, rgb: Tensor, labels: Tensor) -> Tensor:
        """Logits of the second and third frame, float32 [2,B,O+1,S,S], given the masks of the first.

        rgb uint8 [B,3,3,S,S] (clip, frame, channel), labels uint8 [B,3,S,S] with ids 0 to O. The second frame's
        value comes from its prediction; the third frame reads both. Planes of absent objects are kept at
        probability 0.
        """
        mean, std = (rgb.new_tensor(v, dtype=torch.float32)[:, None, None] for v in (MEAN, STD))
        frames = (rgb.float() / 255 - mean) / std
        first = torch.stack([(labels[:, 0] == i + 1).float() for i in range(self.objects)], 1)
        present = first.amax((2, 3), keepdim=True)
        features = self.model.encode_key(frames.flatten(0, 1))
        by_frame = [type(features)(*(f.unflatten(0, (-1, FRAMES))[:, t] for f in features)) for t in range(FRAMES)]
        keys = [f.key.flatten(2).mT for f in by_frame]  # [B,hw,CK]
        mask, values, masks, logits = first, [], [], []
        for t in range(1, FRAMES):
            value = self.model.object_values(frames[:, t - 1], by_frame[t - 1].f16, mask)
            values.append(value.flatten(3).mT)  # [B,O,hw,CV]
            masks.append(F.avg_pool2d(mask, STRIDE).flatten(2))  # [B,O,hw]
            read = self.read(torch.cat(keys[:t], 1), keys[t], torch.cat(values, 2), torch.cat(masks, 2), self.generator)
            read = read.mT.unflatten(3, value.shape[-2:])
            joint = aggregate(torch.sigmoid(self.model.object_logits(read, by_frame[t]).float()) * present)
            logits.append(joint)
            mask = joint.softmax(1)[:, 1:]
        return torch.stack(logits)


@torch.no_grad()
def mean_iou(logits: Tensor, labels: Tensor) -> Tensor:
    """Intersection over union of the objects in one frame, averaged over those that are in either mask.

    logits [B,O+1,H,W], labels [B,H,W] -> [] (NaN where no object is in any mask).
    """
    predicted = logits.argmax(1)
    scores = []
    for i in range(1, logits.shape[1]):
        p, g = predicted == i, labels == i
        union = (p | g).sum((1, 2))
        scores.append(((p & g).sum((1, 2)) / union)[union > 0])
    return torch.cat(scores).mean()
