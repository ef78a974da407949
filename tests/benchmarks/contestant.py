"""One implementation of STCN in a process of its own, for `bench_engine.py`: it segments a clip once for each line that
it is sent, and answers with its seconds, of CPU time or, on a GPU, on the clock.

    python contestant.py {vosbench|published} FOLDER SETTINGS

FOLDER is a checkout of vosbench, of any age, or of the published STCN. Of that, these files are used: `model/`,
`inference_core.py`, `inference_memory_bank.py`, `util/tensor_util.py`. They ask for CUDA by name, for torchvision's
ResNet-50 and for pretrained weights: on a CPU `cuda` is read as that, the ResNet-50 is built of their own blocks, which
are torchvision's with a bias in each convolution, which is taken off, and the weights are those of SETTINGS.
"""

import argparse
import atexit
import json
import shutil
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Found = tuple[np.ndarray, np.ndarray]  # masks uint8 [T,H,W], and the last frame's probabilities [O+1,H,W]


def vosbench(settings: dict[str, Any], rgb: np.ndarray, labels: np.ndarray) -> Callable[[], Found]:
    from vosbench import Sequence, load_model, load_policy, propagate

    model = load_model(settings["weights"], settings["device"])
    sequence = Sequence.from_arrays(rgb, {0: labels})

    def run() -> Found:
        last, masks = None, []
        for last in propagate(model, sequence, load_policy(settings["strategy"])):
            masks.append(last.mask)
        return np.stack(masks), last.prob.cpu().numpy()

    return run


def published(settings: dict[str, Any], rgb: np.ndarray, labels: np.ndarray) -> Callable[[], Found]:
    device = settings["device"]
    network, core, unpad = _published_code(device)
    model = network()
    model.load_state_dict(torch.load(settings["weights"]), strict=True)
    model.eval().to(device)
    torch.set_grad_enabled(False)
    pixels = torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255
    pixels = ((pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None])[None]
    objects = int(labels.max())
    masks = torch.stack([torch.from_numpy(labels == i) for i in range(1, objects + 1)]).float()[:, None].to(device)
    size = rgb.shape[1:3]

    def run() -> Found:  # as its `eval_davis.py` does, with every fifth frame in memory
        processor = core(model, pixels, objects, top_k=20, mem_every=5, include_last=False)
        processor.interact(masks, 0, len(rgb))
        out = torch.zeros((len(rgb), *size), dtype=torch.uint8, device=device)
        for t in range(len(rgb)):
            prob = F.interpolate(unpad(processor.prob[:, t], processor.pad), size, mode="bilinear", align_corners=False)
            out[t] = torch.argmax(prob, dim=0)[0]
        return out.cpu().numpy(), prob[:, 0].cpu().numpy()

    return run


def _published_code(device: str) -> tuple[Any, Any, Any]:
    """Its network, its loop, and what takes the padding off."""
    models = types.ModuleType("torchvision.models")
    sys.modules |= {"torchvision": types.ModuleType("torchvision"), "torchvision.models": models}
    sys.modules["torchvision"].models = models  # type: ignore[attr-defined]
    if device == "cpu":
        torch.Tensor.cuda = lambda self, *_, **__: self  # type: ignore[method-assign]
    from model import mod_resnet

    own = {18: mod_resnet.resnet18, 50: mod_resnet.resnet50}

    def resnet50(**_: object) -> torch.nn.Module:
        net = own[50](pretrained=False)
        for module in net.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.bias = None
        return net

    models.resnet50 = resnet50  # type: ignore[attr-defined]
    mod_resnet.resnet18 = lambda pretrained, extra_chan: own[18](not pretrained, extra_chan)
    import inference_core
    from model.eval_network import STCN

    def zeros(size: tuple[int, ...], dtype: torch.dtype, **_: str) -> torch.Tensor:  # its device is "cuda"
        return torch.zeros(size, dtype=dtype, device=device)

    inference_core.torch = types.SimpleNamespace(float32=torch.float32, zeros=zeros)

    def unpad(prob: torch.Tensor, pad: tuple[int, ...]) -> torch.Tensor:
        left, right, top, bottom = pad
        return prob[..., top : prob.shape[-2] - bottom, left : prob.shape[-1] - right]

    return STCN, inference_core.InferenceCore, unpad


def built(checkout: Path) -> str:
    """A folder with the package of a checkout as a build puts it together: its own strategies lie in it."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "vosbench").mkdir()
    for part in (*(checkout / "vosbench").iterdir(), checkout / "policies"):
        (folder / "vosbench" / part.name).symlink_to(part.resolve())
    return str(folder)


def table(text: str) -> dict[str, Any]:
    """Settings as JSON."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or (lacking := {"clip", "device", "weights"} - found.keys()):
        wanted = f"that has {', '.join(sorted(lacking))} too" if isinstance(found, dict) else "of JSON"
        raise argparse.ArgumentTypeError(f"{text!r} is not a table {wanted}")
    return found


def main() -> None:
    # Not `usage.Arguments`, which loads the vosbench that is installed.
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("vosbench", "published"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("settings", type=table)
    given = parser.parse_args()
    kind, folder, settings = given.kind, given.folder, given.settings
    if not (folder / (has := "model" if kind == "published" else "vosbench")).is_dir():
        parser.error(f"{folder} has no folder {has}")
    sys.path.insert(0, str(folder) if kind == "published" else built(folder))
    torch.set_num_threads(1)
    clip = np.load(settings["clip"])
    run = {"vosbench": vosbench, "published": published}[kind](settings, clip["rgb"], clip["labels"])
    clock = time.process_time if settings["device"] == "cpu" else time.perf_counter
    print("ready", flush=True)
    for line in sys.stdin:
        began = clock()
        masks, prob = run()  # on the CPU: nothing is to be waited for
        seconds = clock() - began
        if line.strip():
            np.savez(Path(line.strip()), masks=masks, prob=prob)
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
