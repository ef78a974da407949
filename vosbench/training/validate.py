"""Validation during a training: vosbench's own inference and scoring on a few sequences."""

from pathlib import Path

from vosbench.datasets import open_dataset
from vosbench.errors import within
from vosbench.inference.propagate import propagate
from vosbench.memory.spec import PolicySpec
from vosbench.metrics.evaluate import object_scores, score_sequence
from vosbench.metrics.figures import MEANS
from vosbench.metrics.protocols import find_protocol
from vosbench.metrics.statistics import ObjectTrace
from vosbench.models.base import Network
from vosbench.training.config import ValidationConfig
from vosbench.video import MasksInMemory

WHERE = "[validation] of the training"


class Validation:
    """Sequences, strategy and protocol of a validation. VosbenchError for unknown or unsound ones, private truth."""

    def __init__(self, config: ValidationConfig) -> None:
        root = Path(config.root) if config.root else None
        self.top_k, self.keep_best = config.top_k, config.keep_best
        with within(WHERE):
            dataset = open_dataset(config.dataset, root, config.split).only(limit=config.limit or None)
            self.policy = PolicySpec.parse(config.policy)
            self.protocol = find_protocol(config.protocol or dataset.default_protocol)
            self.parts = [(dataset.sequence(name), dataset.truth(name)) for name in dataset.sequence_names()]

    def j_and_f(self, model: Network) -> float:
        """Mean J&F over all objects, in percent. Leaves the model in evaluation mode."""
        model.eval()
        traces: list[ObjectTrace] = []
        with within(WHERE):
            for sequence, truth in self.parts:
                found = propagate(model, sequence, self.policy.build(), top_k=self.top_k)
                masks = {sequence.frames[p.frame_index].name: MasksInMemory.of(p.mask) for p in found}
                traces += score_sequence(truth, masks, self.protocol)
        told = MEANS.of_all(object_scores(traces, self.protocol))
        return 100 * told.get("jf", told["j_mean"])
