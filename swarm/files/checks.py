"""Checks that are shared: numbers and arrays that are finite and of a sensible size, counts, seeds."""

from __future__ import annotations

import dataclasses
import math
import operator
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from swarm.array_types import Array
from swarm.errors import InputError

# Metres, seconds or m/s: beyond it, double precision no longer resolves what a controller needs.
LARGEST = 1e6
# Of what robots are and do, in the same units: of less, planners and simulations take nearly for ever.
SMALLEST = 1e-4
_FEW = 16
_REAL = (int, float, np.integer, np.floating)


def number(where: str, value: object, *, above: float = -math.inf, most: float = LARGEST) -> float:
    """A finite real number in (``above``, ``most``], and not below ``-most``.

    Raises:
        InputError: Otherwise.
    """
    # A comparison, not a conversion first: an integer of a thousand digits has no float.
    if is_real(value) and above < value and -most <= value <= most:
        return float(value)
    valid = f"a number above {above:g}, at most {most:g}" if above > -most else f"a number in ±{most:g}"
    raise InputError(where, value, valid)


def is_real(value: object) -> TypeGuard[float]:
    """Whether something is a real number, finite or not, and no text or truth value."""
    return isinstance(value, _REAL) and not isinstance(value, bool | np.bool_)


def not_tiny(where: str, value: float) -> None:
    """Refuse what is above 0 and so small that no robot is meant.

    Raises:
        InputError: If it is below ``SMALLEST``.
    """
    if 0.0 < value < SMALLEST:
        raise InputError(where, value, f"a number of at least {SMALLEST:g}")


def whole(where: str, value: Any, *, least: int = 1) -> int:
    """A whole number of at least ``least``, of any type that is one.

    Raises:
        InputError: Otherwise.
    """
    try:
        found = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        found = least - 1
    if found < least:
        raise InputError(where, value, f"{least} or more, a whole number")
    return found


def generator(seed: Any) -> np.random.Generator:
    """The random numbers of a seed.

    Raises:
        InputError: If it is nothing that numpy takes for one.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise InputError("seed", seed, "a whole number of at least 0, or None") from None


def array(where: str, value: ArrayLike, shape: tuple[int | None, ...], *, most: float = LARGEST) -> Array:
    """A contiguous float64 copy of a finite array.

    Args:
        where: Its name, for the error.
        value: Anything that numpy turns into numbers. An empty one may have any shape if an axis is free.
        shape: The expected shape; None is an axis of any length.
        most: Largest magnitude.

    Raises:
        InputError: If the shape differs, or a value is not finite or too large.
    """
    try:
        if np.iscomplexobj(value):
            raise TypeError
        result = np.array(value, dtype=np.float64, order="C")
    except (TypeError, ValueError, OverflowError):
        raise InputError(where, value, f"numbers of shape {_written(shape)}") from None
    if result.size == 0 and None in shape:
        result = np.zeros([0 if axis is None else axis for axis in shape])
    fits = len(shape) == result.ndim
    if not fits or any(axis not in (None, size) for axis, size in zip(shape, result.shape, strict=True)):
        raise InputError(where, f"shape {result.shape}", f"numbers of shape {_written(shape)}")
    if not _all_within(result, most):
        index = tuple(int(axis) for axis in np.argwhere(~(np.abs(result) <= most))[0])
        raise InputError(f"{where}{list(index)}", float(result[index]), f"a number in ±{most:g}")
    return result


def _all_within(values: Array, most: float) -> bool:
    """Whether no value is NaN or larger than ``most``; of a few numbers Python finds that out sooner than numpy."""
    if values.size > _FEW:
        return bool((np.abs(values) <= most).all())
    return all(-most <= one <= most for one in values.ravel().tolist())


def _written(shape: tuple[int | None, ...]) -> str:
    """A shape for people."""
    return "[" + ", ".join("n" if axis is None else str(axis) for axis in shape) + "]"


class ArrayRecord:
    """Equality by content for frozen data classes with array fields (declare them with ``eq=False``).

    As with other data classes, fields with ``compare=False`` do not count.
    """

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        names = [field.name for field in dataclasses.fields(self) if field.compare]  # type: ignore[arg-type]
        return all(_same(getattr(self, name), getattr(other, name)) for name in names)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return bool(np.array_equal(a, b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)
