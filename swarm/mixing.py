"""Integers mixed into numbers that look random: whoever knows the same integers gets the same, in any order and thread.

Kernels, after SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
"""

from __future__ import annotations

import numpy as np
from numba import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)
FIRST_FACTOR, _LAST_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@njit(cache=True)
def _finish(word: np.uint64) -> np.uint64:
    """Every bit of the word changes half of the bits of the result."""
    word = (word ^ (word >> np.uint64(30))) * FIRST_FACTOR
    word = (word ^ (word >> np.uint64(27))) * _LAST_FACTOR
    return word ^ (word >> np.uint64(31))


@njit(cache=True)
def split_mix(word: np.uint64) -> np.uint64:
    """A well-mixed 64-bit word: what SplitMix64 draws in this state."""
    return _finish(word + _GOLDEN)


@njit(cache=True)
def mix(a: int, b: int) -> int:
    """A number from 0 to 2**63 - 1, from two."""
    return np.int64(_finish(np.uint64(a) * _GOLDEN + np.uint64(b) * _SECOND) >> np.uint64(1))  # type: ignore[return-value]


@njit(cache=True)
def fold(word: np.uint64) -> np.uint64:
    """A word mixed quickly, and less well: for a place in a table, or where more words follow."""
    word = word * _GOLDEN
    return word ^ (word >> np.uint64(29))
