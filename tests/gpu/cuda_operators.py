"""What CUDA makes of the operators of torch, and what they are called."""

from functools import cache
from typing import Any

INDEXING = {"aten.index", "aten.index_put", "aten.index_put_", "aten._index_put_impl_"}
WAITING = {  # operators that wait for the device, as the host needs the size or the value of their result
    *("aten._local_scalar_dense", "aten.item", "aten.is_nonzero", "aten.equal", "aten.nonzero", "aten.nonzero_static_"),
    *("aten.masked_select", "aten._unique2", "aten.unique_dim", "aten.unique_consecutive", "aten.bincount"),
    *("aten.histc", "aten.repeat_interleave", "aten.multinomial", "aten._linalg_check_errors"),
}
UNREPEATABLE = {  # of floats they add in any order (see torch.use_deterministic_algorithms)
    *("aten.scatter_add", "aten.scatter_add_", "aten.index_add", "aten.index_add_", "aten.put_", "aten.histc"),
    *("aten.bincount", "aten.cumsum", "aten.upsample_bicubic2d_backward"),
}


@cache
def name_of(func: Any) -> str:
    """`aten.index_put_` of `aten.index_put_.default`."""
    return ".".join(str(func).split(".")[:2])


@cache
def writes(func: Any) -> bool:
    """Whether an operator gives what it was given."""
    return any(one.alias_info is not None and one.alias_info.is_write for one in func._schema.returns)
