"""Mixed integers: those of SplitMix64 as published, and the others in whole numbers of Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.mixing import fold, mix, split_mix

GOLDEN, WORDS = 0x9E3779B97F4A7C15, st.integers(0, 2**64 - 1)
# What java.util.SplittableRandom and the C reference draw from seed 1234567.
DRAWN = (6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821)


def test_split_mix_draws_what_the_reference_draws() -> None:
    states = [(1234567 + k * GOLDEN) % 2**64 for k in range(len(DRAWN))]
    assert tuple(int(split_mix(np.uint64(state))) for state in states) == DRAWN


@settings(max_examples=50)
@given(a=st.integers(0, 2**62), b=st.integers(0, 2**62))
def test_two_numbers_are_mixed_into_one(a: int, b: int) -> None:
    state = (a * GOLDEN + b * 0xC2B2AE3D27D4EB4F - GOLDEN) % 2**64
    assert int(mix(a, b)) == int(split_mix(np.uint64(state))) >> 1


@settings(max_examples=50)
@given(word=WORDS)
def test_a_word_is_folded(word: int) -> None:
    whole = word * GOLDEN % 2**64
    assert int(fold(np.uint64(word))) == whole ^ whole >> 29
