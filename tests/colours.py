"""What the tests of the registry register, in a module that other processes can import."""

from typing import Any


class Colour:
    """The kind that these tests register."""


def call_late(red: Any) -> Any:
    """What a class of a file of one's own finds when it is called."""
    return red.late()
