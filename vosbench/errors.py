"""The one error type that a user of vosbench is meant to see."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

MOST_KNOWN = 30  # names in a hint; parts of a network and sequences of a data set are hundreds


class VosbenchError(Exception):
    """Something the user can put right: one line that says what is wrong, and a hint that says what to do.

    Libraries raise it; only the command line catches it, prints both lines and exits with status 2.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotANumberError(VosbenchError):
    """A network predicted what is no number. The sequence has no masks; others are not concerned."""

    def __init__(self, message: str, hint: str = "look for NaN or overflow: vosbench check model FILE") -> None:
        super().__init__(message, hint)


class PolicyError(VosbenchError):
    """A memory strategy raised, or broke a rule. The message names its file and line; others are not concerned."""


class MissingTruthError(VosbenchError):
    """A reference needs true masks that a sequence has not. Other strategies and sequences are not concerned."""


class SequenceError(VosbenchError):
    """A frame or a mask of a sequence cannot be used. Other sequences are not concerned."""


class SmoothedMaskError(VosbenchError):
    """A mask looks as if it was smoothed. Who knows better takes masks as they are, see `open_dataset`."""


class SpoiltScoreWarning(UserWarning):
    """A fault of the data that spoils scores, and stops nothing."""

    @classmethod
    def of(cls, error: VosbenchError) -> "SpoiltScoreWarning":
        """What an error says, with its hint."""
        return cls(f"{error.message}\n  hint: {error.hint}")


def unknown(kind: str, name: str, known: Iterable[str], also: str = "") -> VosbenchError:
    """The error for a `name` that is none of `known`, with the near misses, or else the first of them, as the hint, and
    what may be given `also`.
    """
    choices = sorted(known)
    plain = {choice.casefold(): choice for choice in choices}
    near = [plain[one] for one in difflib.get_close_matches(str(name).casefold(), plain, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {a_few(choices, MOST_KNOWN) or 'none'}"
    return VosbenchError(f"unknown {kind} {name!r}", f"{hint}; {also}" if also else hint)


def first_of(reasons: Mapping[str, VosbenchError], too: str, hint: str | None = None) -> VosbenchError:
    """The first of several reasons, by name, and of which others the same is true; `hint` instead of its own."""
    first, others = next(iter(reasons.values())), [*reasons][1:]
    more = f"; {too}: {a_few(others)}" if others else ""
    return VosbenchError(first.message + more, first.hint if hint is None else hint)


@contextmanager
def within(where: str) -> Iterator[None]:
    """Let a VosbenchError say `where` it is, if that is not ""."""
    try:
        yield
    except VosbenchError as error:
        if not where:
            raise
        raise VosbenchError(f"{where}: {error.message}", error.hint) from error


def a_few(names: Iterable[str], most: int = 4) -> str:
    """Names for a message: the first few, and how many more."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
