"""A network that vosbench does not know, as a user would write one in a file."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vosbench.memory.trial import anisotropic
from vosbench.models.base import Extra, FrameStep, Keys, Network, Spec

STRIDE, CK, CV, CH = 8, 4, 6, 2


class Toy(Network):
    """One convolution where others have hundreds. Like XMem it has shrinkage, selection and a hidden state, which
    decoding updates in a frame that is not written and the value encoder in one that is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Conv2d(3, 8, STRIDE, STRIDE)
        self.project = nn.Conv2d(8, 2 * CK + 1, 1)
        self.value = nn.Conv2d(5, CV, STRIDE, STRIDE)
        self.head = nn.Conv2d(CV + 8 + CH + 1, 1 + CH, 3, padding=1)
        self.remember = nn.Conv2d(CV + CH, CH, 1)

    @property
    def spec(self) -> Spec:
        extras = {"shrinkage": Extra(1), "selection": Extra(CK, averages=False)}
        return Spec("toy", CK, CV, STRIDE, top_k=5, extras=extras)

    def encode(self, frame: Tensor) -> dict[str, Tensor]:
        features = self.trunk(frame).relu()
        return {"trunk": features, "projected": self.project(features)[0].flatten(1).T}

    def tokens(self, features: dict[str, Tensor]) -> Keys:
        key, selection, shrinkage = features["projected"].split([CK, CK, 1], 1)
        return Keys(2 * key, {"shrinkage": shrinkage.square() + 1, "selection": selection.sigmoid()})

    def query(self, features: dict[str, Tensor]) -> Keys:
        tokens = self.tokens(features)
        return Keys(tokens.key, {"selection": tokens.extras["selection"]})

    def scores(self, keys: Keys, query: Keys, out: Tensor | None = None) -> Tensor:
        return anisotropic(keys, query, out)

    def start(self, objects: int, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"hidden": features["trunk"].new_zeros(objects, CH, *features["trunk"].shape[2:])}

    def decode(self, readout, features, state, joint, step):
        assert len(readout) == len(joint) == len(state["hidden"]) == sum(step.groups)
        trunk = features["trunk"].expand(len(readout), -1, -1, -1)
        before = F.avg_pool2d(joint[:, None], STRIDE)
        logits, hidden = self.head(torch.cat([readout, trunk, state["hidden"], before], 1)).split([1, CH], 1)
        full = F.interpolate(4 * logits, scale_factor=STRIDE, mode="bilinear", align_corners=False)
        return full[:, 0], {"hidden": 0.5 * state["hidden"] + hidden.tanh()}

    def encode_value(self, frame, features, masks, before, state, step):  # noqa: ARG002
        assert isinstance(step, FrameStep)
        assert not step.last
        others = masks.sum(0) - masks
        planes = torch.cat([frame.expand(len(masks), -1, -1, -1), masks[:, None], others[:, None]], 1)
        values = self.value(planes)
        return values, {"hidden": self.remember(torch.cat([values, before["hidden"]], 1)).tanh()}
