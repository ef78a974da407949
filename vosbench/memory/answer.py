"""What the methods of a strategy answer: a wrong answer is the fault of the method that gave it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any

import numpy as np
from torch import Tensor

from vosbench.errors import VosbenchError


class WrongAnswerError(VosbenchError):
    """A `method` of a strategy returned something that cannot be used."""

    def __init__(self, message: str, hint: str, method: Callable[..., Any]) -> None:
        super().__init__(message, hint)
        self.method = method


@contextmanager
def answer_of(method: Callable[..., Any]) -> Iterator[None]:
    """Call a bound method and use what it returns: what fails outside the method itself is a WrongAnswerError."""
    try:
        yield
    except WrongAnswerError:
        raise
    except (VosbenchError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        code = getattr(method, "__code__", None)
        if any(frame.f_code is code for frame, _ in walk_tb(error.__traceback__)):
            raise
        reason, hint = f"{type(error).__name__}: {error}", "see MemoryPolicy"
        if isinstance(error, VosbenchError):
            reason, hint = error.message, error.hint
        raise WrongAnswerError(f"{method.__name__}: {reason}", hint, method) from error


def yes_or_no(answer: Any) -> bool:
    """An answer of True or False, be it Python's, NumPy's or a tensor of one element. VosbenchError for any other."""
    if isinstance(answer, Tensor) and answer.numel() == 1:
        return bool(answer)
    if not isinstance(answer, bool | int | np.bool_):
        raise VosbenchError(f"answers {told(answer)}, not True or False", "return a bool")
    return bool(answer)


def told(answer: Any) -> str:
    """What an answer is, for a message."""
    if isinstance(answer, Tensor):
        return f"a tensor {answer.dtype} {tuple(answer.shape)}"
    return repr(answer) if answer is None or isinstance(answer, str) else f"a {type(answer).__name__}"
