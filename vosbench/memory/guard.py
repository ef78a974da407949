"""What a memory bank refuses: numbers that a strategy may not name."""

import torch
from torch import Tensor

from vosbench.errors import VosbenchError
from vosbench.memory.answer import told


class Guard:
    """Refuses faults at once on a CPU; on a GPU it keeps them in mind, so that nothing waits, until `verify`."""

    def __init__(self, device: torch.device | str) -> None:
        self._fault = torch.zeros((), dtype=torch.bool, device=device)

    def numbers(self, numbers: Tensor, end: int, what: str, most: int | None = None) -> Tensor:
        """Refuse what is not int64 [n] on the bank's device, repeated or outside 0..end-1, and more than `most`, the
        number of tokens that may leave; returns the numbers, clamped into range.
        """
        if not isinstance(numbers, Tensor) or numbers.dtype != torch.int64 or numbers.ndim != 1:
            raise VosbenchError(f"{what} must be int64 [n], not {told(numbers)}", "see MemoryBank")
        self._same_device(numbers, what)
        if most is not None and len(numbers) > most:
            raise VosbenchError(
                f"the strategy named {len(numbers)} {what}, of which only {most} can be occupied and not pinned",
                "name each occupied slot that is not pinned at most once",
            )
        known = numbers.clamp(0, max(end - 1, 0))
        ordered = known.sort().values
        self.refuse(f"named {what} out of range", numbers != known, numbers)
        self.refuse(f"named {what} twice", ordered[1:] == ordered[:-1], ordered[1:])
        return known

    def scores(self, scores: Tensor, slots: Tensor, extent: int) -> Tensor:
        """The scores of `slots`, int64 [n], float64 [n]; refuses what is not [extent] on the bank's device, or NaN."""
        if not isinstance(scores, Tensor) or scores.shape != (extent,):
            hint = "give one number for each slot, be it occupied or not"
            raise VosbenchError(f"scores must be [extent], here ({extent},), not {told(scores)}", hint)
        self._same_device(scores, "scores")
        known = scores[slots].double()
        self.refuse("gave scores that are no numbers to slots", known.isnan(), slots)
        return known

    def refuse(self, fault: str, wrong: Tensor, named: Tensor | None = None) -> None:
        """Refuse if any of `wrong`, bool [n], is set; `named`, [n], are the numbers to tell."""
        if wrong.device.type != "cpu":
            self._fault |= wrong.any()
        elif wrong.any():
            which = "" if named is None else f": {', '.join(map(str, named[wrong][:5].tolist()))}"
            raise VosbenchError(f"the strategy {fault}{which}", "see the rules in MemoryBank")

    def _same_device(self, tensor: Tensor, what: str) -> None:
        if tensor.device != self._fault.device:
            hint = "make them with device=bank.frame.device"
            raise VosbenchError(f"{what} are on {tensor.device}, the memory on {self._fault.device}", hint)

    def verify(self) -> None:
        """Raise what was kept in mind."""
        if bool(self._fault):
            hint = "run it on the CPU, device='cpu' (--device cpu), to see which"
            raise VosbenchError("the strategy broke a rule of MemoryBank", hint)
