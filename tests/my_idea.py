"""A strategy as a user writes it."""

IDEA = '''
from dataclasses import dataclass
from vosbench.memory.policy import MemoryPolicy, parameter

@dataclass
class Idea(MemoryPolicy):
    """Writes every k-th frame."""

    k: int = parameter(3, "frames", "distance between writes", at_least=1)
    share: float = parameter(0.5, "", "a share", at_least=0)
    loud: bool = parameter(False, "", "a switch")
    mood: str = parameter("calm", "", "a word")

    def admit(self, step):
        return step.since_write >= self.k
'''
