"""first-only: the annotated frames and nothing else.

Source: a control. Fidelity: faithful. Fails when the appearance of an object changes.
"""

from vosbench.memory.policy import MemoryPolicy, Step


class FirstOnly(MemoryPolicy):
    """Writes no frame of its own accord."""

    def admit(self, step: Step) -> bool:  # noqa: ARG002
        return False
