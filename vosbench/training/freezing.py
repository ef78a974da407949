"""What of the network does not learn."""

from collections.abc import Iterator, Sequence

from torch import nn

from vosbench.errors import VosbenchError, unknown


def freeze(model: nn.Module, parts: Sequence[str]) -> None:
    """Let parts, named as in the network, keep their weights. VosbenchError for unknown ones, or if nothing learns."""
    for part in _parts(model, parts):
        part.requires_grad_(False)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise VosbenchError("frozen names all of the network, so that nothing learns", "leave out what is to learn")


def freeze_batch_norm(model: nn.Module, parts: Sequence[str]) -> None:
    """Let batch norm in parts keep its statistics until `model.train()`; factors still learn. Raises as `freeze`."""
    for part in _parts(model, parts):
        for module in part.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def _parts(model: nn.Module, names: Sequence[str]) -> Iterator[nn.Module]:
    known = dict(model.named_modules())
    for name in names:
        if not name or name not in known:
            depth = name.count(".")  # no deeper, or hundreds of layers would be named
            raise unknown("part of the network", name, [n for n in known if n and n.count(".") <= depth])
        yield known[name]
