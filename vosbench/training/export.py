"""From a training checkpoint to weights that ship: half precision, with a description inside the file."""

import json
from pathlib import Path

from safetensors.torch import save_file

from vosbench.models.stcn import CONFIGS, STCN
from vosbench.training.state import read_state


def export_weights(checkpoint: Path, target: Path) -> None:
    """Write the model of a training checkpoint as safetensors, floats in half precision.

    Raises VosbenchError if `checkpoint` is none of a training.
    """
    state = read_state(checkpoint)
    model = STCN(CONFIGS[state["config"]["model"]])
    model.load_state_dict(state["model"])
    halves = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    about = {"config": json.dumps(state["config"]), "step": str(state["step"])}
    save_file({k: v.contiguous() for k, v in halves.items()}, target, metadata=about)
