"""How this process holds the memory that it gave back."""

import ctypes
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


@cache
def keep_freed_memory() -> None:
    """Let the C library keep memory that is freed, as every frame asks for the same amounts again.

    Otherwise it returns large blocks to the system, and every page of them is fetched and cleared anew: that took
    longer than the convolution that filled them. Memory below the peak is reused, and of what lies unused on top at
    most 2 GiB are kept. Up to eight blocks of one size may be fetched before they are reused: the library keeps seven
    small pieces of a size aside, and each can stand between a freed block and its neighbour. Does nothing where the C
    library is not GNU's.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
