"""Looks whether a Dask scheduler answers, before a client is made: one that finds none leaves threads behind."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from vosbench.errors import VosbenchError


def answering(address: str | None, file: Path | str | None, seconds: float) -> str:
    """The address of the scheduler at an address, or of that whose file it is; it answers.

    Raises VosbenchError if none does within so many seconds, and for what is no address or no such file.
    """
    from distributed.core import rpc
    from distributed.security import Security

    async def identity(where: str) -> Any:
        async with rpc(where, timeout=seconds, connection_args=Security().get_connection_args("client")) as scheduler:
            return await scheduler.identity()

    found = str(address) if file is None else _address_in(Path(file))
    if not re.search(r":\d+$", found):
        raise VosbenchError(f"{found} names no port, so it is no scheduler's address", "give one as tcp://HOST:8786")
    try:
        if asyncio.run(asyncio.wait_for(identity(found), seconds))["type"] != "Scheduler":
            raise ValueError("what answers is another part of Dask")
    except Exception as error:  # of many kinds: whatever is there may answer
        reason = " ".join(str(error).split()) or type(error).__name__
        raise VosbenchError(
            f"no scheduler answers at {file or address}: {reason}",
            "start one: dask scheduler, and workers: dask worker --nthreads 1",
        ) from None
    return found


def _address_in(file: Path) -> str:
    """The address that a scheduler wrote into its file."""
    hint = "give the file of dask scheduler --scheduler-file FILE, once it is written"
    try:
        return str(json.loads(file.read_bytes())["address"])
    except OSError as error:
        raise VosbenchError(f"cannot read {file}: {error.strerror}", hint) from None
    except (ValueError, LookupError, TypeError):
        raise VosbenchError(f"{file} is not the file of a scheduler", hint) from None
