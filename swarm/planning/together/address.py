"""Arrays by where they are in memory: how one call of a kernel takes those of many robots, each of its own shape.

Whoever takes an address keeps the array for as long; a copy of an array has another one.
"""

from __future__ import annotations

from typing import Any

import numba
from numba import njit, types
from numba.extending import intrinsic

from swarm.array_types import Array


@intrinsic
def _pointer(typing_context: Any, address: Any) -> Any:
    """A pointer to the float64 at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    pointer: Any = types.CPointer(types.float64)  # type: ignore[no-untyped-call]
    return pointer(types.int64), generate


_pointer_to: Any = _pointer  # its first argument is numba's own


@njit(cache=True)
def reals_at(address: int, shape: tuple[int, int]) -> Array:
    """The float64 of this shape at an address, row after row."""
    found: Array = numba.carray(_pointer_to(address), shape)  # type: ignore[attr-defined]
    return found


def address_of(array: Array) -> int:
    """Where the elements of an array begin; it has to be contiguous."""
    return int(array.__array_interface__["data"][0])
