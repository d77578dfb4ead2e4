"""What a robot knows of its own state holds the truth, and is as narrow as what it has measured and done allow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.model.dynamics import Kind, advance
from swarm.model.narrowing import (
    K_WIDE_HEADING,
    K_WIDE_X,
    K_WIDE_Y,
    K_X,
    K_Y,
    KNOWN,
    carry,
    narrow,
    stray_of,
    unknown_velocity,
)

SEEDS = st.integers(0, 2**32 - 1)
DT = 0.05


def drive(
    rng: np.random.Generator, kind: Kind, *, error: float, heading: float, velocity: float, slip: float, style: str,
    steps: int = 40, still: bool = False,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """How far believed places were off in each period, and how far they were said to be at most."""
    true, known = np.array([1.0, 2.0, rng.uniform(-4.0, 4.0), 0.0, 0.0]), np.zeros(KNOWN)
    known_before = math.inf
    off, said = [], []
    bias = rng.normal(size=2)
    bias *= error / np.linalg.norm(bias)
    for _ in range(steps):
        noise = rng.normal(size=2) / 3.0
        noise *= error / max(1.0, float(np.linalg.norm(noise)))
        seen = true.copy()
        seen[:2] += bias if style == "constant" else noise
        if kind == Kind.UNICYCLE:
            seen[2] += heading * (1.0 if style == "constant" else rng.uniform(-1.0, 1.0))
        if kind == Kind.DOUBLE_INTEGRATOR:
            seen[3:] += velocity * (np.array([0.6, -0.8]) if style == "constant" else rng.uniform(-0.7, 0.7, 2))
        wide = heading if kind == Kind.UNICYCLE else 0.0
        body = seen.copy()
        bound = narrow(int(kind), body, known, error, wide, velocity, 0.0)
        off.append(float(np.linalg.norm(body[:2] - true[:2])))
        said.append(bound)
        turned = math.remainder(float(body[2] - true[2]), math.tau)
        assert abs(turned) <= known[K_WIDE_HEADING] + 1e-9 or kind != Kind.UNICYCLE
        wrong = float(np.linalg.norm(body[3:] - true[3:]))
        assert wrong <= unknown_velocity(known, velocity) + 1e-9 or kind != Kind.DOUBLE_INTEGRATOR
        assert bound <= known_before + error  # nothing is forgotten all at once
        known_before = bound
        control = np.zeros(2) if still else rng.uniform(-1.0, 1.0, 2)
        planned = advance(kind, body, control, DT)
        way = (abs(control[0]) if kind == Kind.UNICYCLE else float(np.hypot(*control))) * DT
        if kind == Kind.DOUBLE_INTEGRATOR:
            way = (float(np.hypot(*body[3:])) + float(np.hypot(*control)) * DT) * DT
        change = {
            Kind.SINGLE_INTEGRATOR: 0.0, Kind.DOUBLE_INTEGRATOR: float(np.abs(control).max()) * DT,
            Kind.UNICYCLE: abs(control[0] * control[1]) * DT,
        }[kind]  # fmt: skip
        carry(known, body, planned, way, change, slip, DT)
        after = advance(kind, true, control, DT)
        after[:2] += slip * rng.choice([-1.0, 1.0, rng.uniform(-1.0, 1.0)]) * (after[:2] - true[:2])
        true = after
        assert (np.abs(true[:2] - known[[K_X, K_Y]]) <= known[[K_WIDE_X, K_WIDE_Y]] + 1e-9).all()
    return np.array(off), np.array(said)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("style", ["white", "constant"])
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, slip=st.floats(0.0, 0.3), heading=st.floats(0.0, 0.3), velocity=st.floats(0.0, 0.3))
def test_the_truth_is_never_farther_away_than_is_said(
    kind: Kind, style: str, seed: int, slip: float, heading: float, velocity: float
) -> None:
    rng = np.random.default_rng(seed)
    off, said = drive(rng, kind, error=0.03, heading=heading, velocity=velocity, slip=slip, style=style)
    assert (off <= said + 1e-9).all()
    assert said.max() <= 0.03  # what is declared: a corner of a box, which may be farther away, is no reason for more


def test_noise_of_a_robot_that_stands_narrows_and_a_bias_does_not() -> None:
    for style, least, most in (("white", 0.0, 0.02), ("constant", 0.03, 0.03)):
        rng = np.random.default_rng(1)
        _, said = drive(
            rng, Kind.SINGLE_INTEGRATOR, error=0.03, heading=0.0, velocity=0.0, slip=0.1, style=style, still=True
        )
        assert least - 1e-12 <= said[-1] <= most + 1e-12


def test_a_velocity_is_known_from_rest_on_whatever_its_sensor_says() -> None:
    known, body = np.zeros(KNOWN), np.array([0.0, 0.0, 0.0, 0.1, 0.0])
    narrow(int(Kind.DOUBLE_INTEGRATOR), body, known, 0.0, 0.0, 0.2, 0.5)
    assert body.tolist() == pytest.approx([-0.05, 0.0, 0.0, 0.0, 0.0])  # it stands, and has stood
    assert unknown_velocity(known, 0.2) == 0.0
    moving = np.array([0.0, 0.0, 0.0, 0.9, 0.0])  # it measures that it moves: then that counts
    narrow(int(Kind.DOUBLE_INTEGRATOR), moving, np.zeros(KNOWN), 0.0, 0.0, 0.2, 0.5)
    assert moving[3] == 0.9


def test_what_cannot_be_counts_as_measured() -> None:
    """A robot that was carried away: its old place has nothing in common with what it measures."""
    known, here = np.zeros(KNOWN), np.zeros(5)
    narrow(int(Kind.SINGLE_INTEGRATOR), here, known, 0.01, 0.0, 0.0, 0.0)
    there = np.array([3.0, 0.0, 0.0, 0.0, 0.0])
    assert narrow(int(Kind.SINGLE_INTEGRATOR), there, known, 0.01, 0.0, 0.0, 0.0) == pytest.approx(0.01)
    assert there[0] == 3.0
    assert known[[K_WIDE_X, K_WIDE_Y]].tolist() == [0.01, 0.01]
    assert stray_of(known, 0.05) == 0.05


def test_a_way_strays_along_itself_and_not_to_the_side() -> None:
    known, here = np.zeros(KNOWN), np.zeros(5)
    narrow(int(Kind.SINGLE_INTEGRATOR), here, known, 0.01, 0.0, 0.0, 0.0)
    there = np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    carry(known, here, there, 1.0, 0.0, 0.05, DT)
    assert known[[K_WIDE_X, K_WIDE_Y]].tolist() == pytest.approx([0.06, 0.01])
    carry(known, there, there, 1.0, 0.4, 0.05, DT)  # it went to and fro: neither axis' speed was above 0.4 m/s
    assert known[[K_WIDE_X, K_WIDE_Y]].tolist() == pytest.approx([0.061, 0.011])
