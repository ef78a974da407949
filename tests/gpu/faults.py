"""What went wrong on a GPU once, on the GPU that is not there. Prints as JSON what is found; not a test itself.

python tests/gpu/faults.py
"""

import copy
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_gpu import CUDA, DeviceTensor, FakeGPU, moved  # isort: skip  # before vosbench

import cv2
import torch
from clips import PAPER, clip
from command_line import parsed

from vosbench.bench import passes
from vosbench.bench.plan import Plan
from vosbench.bench.suite import Suite
from vosbench.errors import NotANumberError, PolicyError
from vosbench.images import write_labels
from vosbench.inference.output import LateMask
from vosbench.inference.pace import SIZES, Pace
from vosbench.inference.propagate import propagate
from vosbench.inference.session import Session
from vosbench.memory.policy import MemoryPolicy, Step
from vosbench.memory.spec import PolicySpec, load_policy
from vosbench.models.checkpoint import read_checkpoint
from vosbench.models.folding import for_inference
from vosbench.video import Sequence

MODEL = read_checkpoint("stcn-tiny").network()
for_inference(MODEL, torch.device("cuda"))
RGB, LABELS = clip(8, 40, 56, 2)
CLIP = Sequence.from_arrays(RGB, {0: LABELS[0]})


def waits(gpu: FakeGPU) -> int:
    """But for those of captures, once for a size and a number of objects."""
    return sum(event.kind == "wait" and "models/graphs.py" not in event.where for event in gpu.events)


def pace() -> dict[str, Any]:
    """The reference operation beside five frames."""
    SIZES["cuda"] = (8, 8)
    with FakeGPU() as gpu:
        beside = Pace(CUDA)
        before = waits(gpu)
        during = [waits(gpu) - before for _ in beside.beside(range(5))]
        return {"during": during, "in the end": waits(gpu) - before, "ms": beside.reference_ms}


@dataclass
class Elsewhere(MemoryPolicy):
    """Names slots by numbers that lie on the CPU."""

    def admit(self, step: Step) -> bool:  # noqa: ARG002
        return True

    def write(self, tokens: Any) -> None:
        if self.bank.count:
            self.bank.free(torch.arange(len(tokens)))
        self.bank.insert(tokens)


def slots_of_another_device() -> str:
    with FakeGPU():
        try:
            list(propagate(moved(copy.deepcopy(MODEL)), CLIP, Elsewhere()))
        except PolicyError as error:
            return f"{error.message}: {error.hint}"
    return "nothing"


def resumed_training() -> dict[str, Any]:
    """A step of Adam whose state was read from a file."""
    weights = torch.nn.Parameter(torch.ones(3))
    before = torch.optim.AdamW([weights])
    weights.grad = torch.ones(3)
    before.step()
    with FakeGPU() as gpu:
        there = torch.nn.Parameter(DeviceTensor(torch.ones(3)))
        after = torch.optim.AdamW([there])
        after.load_state_dict(before.state_dict())
        loaded = waits(gpu)
        there.grad = DeviceTensor(torch.ones(3))
        after.step()
        return {"step on": after.state[there]["step"].device.type, "waits": waits(gpu) - loaded}


def frames_that_come_one_by_one() -> dict[str, Any]:
    """Waits of each step of a session that is not timed; masks equal the CPU's, also those read at once."""
    plain = Session(MODEL, load_policy("every-k"))
    want = [plain.step(rgb, None if t else LABELS[0]).mask for t, rgb in enumerate(RGB)]
    with FakeGPU() as gpu:
        session, found, each = Session(moved(copy.deepcopy(MODEL)), load_policy("every-k"), timed=False), [], []
        for t, rgb in enumerate(RGB):
            before = waits(gpu)
            found.append(session.step(rgb, None if t else LABELS[0]))
            each.append(waits(gpu) - before)
        late = found[-1].late._values.clone()
        masks = [one.mask for one in found]
        alike = [bool((a == b).all()) for a, b in zip(want, masks, strict=True)]
        return {"waits": each, "alike": alike, "was under way": bool((late == 77).all())}


def masks_of_a_run() -> dict[str, Any]:
    """The paper's strategies through a sequence together, masks written beside them: hashes of the files."""
    hashes: dict[str, list[str | None]] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        for kind in ("JPEGImages", "Annotations"):
            (root / kind / "one").mkdir(parents=True)
        for frame in CLIP.frames:
            assert cv2.imwrite(str(root / "JPEGImages" / "one" / f"{frame.name}.jpg"), frame.load())
        write_labels(root / "Annotations" / "one" / f"{CLIP.frames[0].name}.png", LABELS[0])
        suite = Suite(dataset="folder", root=root, policies=PAPER, shorter_side=0, timing="none", controls=False)
        for where in ("cpu", "cuda"):
            plan = Plan(suite, Path(folder) / where)
            tasks = [task for task in plan.tasks if isinstance(task.what, PolicySpec)]
            assert tasks[0].video is not None
            if where == "cpu":
                plan.model = MODEL
                hashes[where] = [record.masks for _, record in passes.together(plan, tasks, tasks[0].video, None)]
            else:
                with FakeGPU():
                    plan.model = moved(copy.deepcopy(MODEL))
                    hashes[where] = [record.masks for _, record in passes.together(plan, tasks, tasks[0].video, None)]
    return hashes


def what_is_refused() -> dict[str, bool]:
    """The emulation itself: it would be of no use if it let everything through, or noted nothing."""
    with FakeGPU() as gpu:
        x = torch.zeros(3, device="cuda")

        def refused(work: Callable[[], object]) -> bool:
            try:
                work()
            except RuntimeError as error:
                return "would be refused" in str(error)
            return False

        found = {
            "is there": x.device.type == "cuda" and type(x) is DeviceTensor,
            "two devices": refused(lambda: x + torch.ones(3)),
            "a generator of the CPU": refused(lambda: torch.rand(3, device="cuda", generator=torch.Generator("cpu"))),
        }
        torch.rand(3, device="cuda", generator=torch.Generator("cuda"))
        before = waits(gpu)
        found["computes"] = (x + 1).add_(1).sum().item() == 6
        x[torch.tensor([0], device="cuda")] = 1
        _ = x.tolist(), x.cpu(), x[x > 0]
        found["waits"] = waits(gpu) == before + 6
        index = torch.zeros(1, dtype=torch.int64)
        index.to("cuda", non_blocking=True)
        x.index_add_(0, index.pin_memory().to("cuda", non_blocking=True), x[:1].clone())
        return found | {"notes": [event.kind for event in gpu.events[-3:]] == ["wait", "copy", "unrepeatable"]}


def nan_in_the_last_frame() -> str:
    """What is told of it by the end of a video."""
    with FakeGPU():
        late = LateMask(torch.zeros(2, 2, dtype=torch.uint8, device=CUDA), torch.tensor(False, device=CUDA), "frame 7")
        session = Session(moved(copy.deepcopy(MODEL)), load_policy("every-k"))
        session._late.append(late)
        try:
            session.verify()
        except NotANumberError as error:
            return str(error)
    return "nothing"


def main() -> None:
    parsed(__doc__)
    torch.set_num_threads(1)
    acts = (pace, slots_of_another_device, resumed_training, frames_that_come_one_by_one, masks_of_a_run)
    acts += (what_is_refused, nan_in_the_last_frame)
    print(json.dumps({act.__name__: act() for act in acts}, indent=1))


if __name__ == "__main__":
    main()
