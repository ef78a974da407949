"""How this process holds the memory that it gave back."""

import ctypes
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


@cache
def keep_freed_memory() -> None:
    """Let the C library keep memory that is freed, as every frame and every mask asks for the same amounts again.

    Otherwise it returns large blocks to the system, and every page of them is fetched and cleared anew: a tenth of the
    time of scoring, and longer than the convolution that fills them. At most 2 GiB are kept that lie unused on top. Up
    to eight blocks of one size may be fetched before they are reused: the library keeps seven small pieces of a size
    aside, and each can stand between a freed block and its neighbour. Nothing is done where it is not GNU's.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
