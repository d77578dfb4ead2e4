"""Small arrays on the stack for kernels that cannot allocate: they last as long as the call that asks for them.

Nobody may keep such an array, or give it back: it ends with the kernel, or with whoever inlines it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba.core import cgutils, types
from numba.extending import intrinsic

from swarm.array_types import Array

_BYTES = 8
# Numba has no types for these two.
_allocate: Any = cgutils.alloca_once
_intrinsic: Any = intrinsic(prefer_literal=True)


def _made(kind: Any, *sizes: Any) -> Any:
    """Signature and code of an array of this kind; None, which numba refuses, if a size is no constant."""
    if not all(isinstance(size, types.IntegerLiteral) for size in sizes):
        return None
    shape = [size.literal_value for size in sizes]
    strides = [_BYTES * (shape[1] if axis < len(shape) - 1 else 1) for axis in range(len(shape))]

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        data = _allocate(builder, context.get_value_type(types.float64), size=count)
        found = context.make_array(kind)(context, builder)
        context.populate_array(
            found, data=data, shape=[context.get_constant(types.intp, size) for size in shape],
            strides=[context.get_constant(types.intp, stride) for stride in strides],
            itemsize=context.get_constant(types.intp, _BYTES), meminfo=None,
        )  # fmt: skip
        return found._getvalue()

    return kind(*sizes), generate


def _rows(typing: Any, rows: Any, columns: Any) -> Any:
    return _made(types.Array(types.float64, 2, "C"), rows, columns)


def _numbers(typing: Any, count: Any) -> Any:
    return _made(types.Array(types.float64, 1, "C"), count)


stack_rows: Callable[[int, int], Array] = _intrinsic(_rows)
"""An array ``float64[rows, columns]`` that holds anything; both are constants of a module."""
stack_numbers: Callable[[int], Array] = _intrinsic(_numbers)
"""An array ``float64[count]`` that holds anything; the count is a constant of a module."""
