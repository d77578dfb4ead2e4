"""Worlds with robots that ignore everybody: seen as strangers, met by robots that stand, counted apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from envs.arena.core import ArenaCore
from envs.scenarios import mixed
from envs.strangers import MOVING, STANDING
from swarm.model.body import RADIUS
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.strangers import NOBODY, Strangers
from swarm.scenario.scenario import Scenario
from swarm.sense.neighbours import N_BODY_X, N_PACE

pytestmark = pytest.mark.usefixtures("one_thread")

INEXACT = ErrorBounds(
    position=0.005, heading=0.03, age=0.03, latency=0.03, loss=0.2, dead_time=0.03, lag=0.05, slip=0.05
)
OURS = 4


def among_strangers(rng: np.random.Generator, errors: ErrorBounds = EXACT) -> Scenario:
    scenario = mixed.draw(rng, robots=6, obstacles=2, room=0.6, second_order=0.0 if errors.lag > 0.0 else 0.5,
                          sensing_radius=8.0)  # fmt: skip
    robots = tuple(dataclasses.replace(robot, ignores=i >= OURS) for i, robot in enumerate(scenario.robots))
    return dataclasses.replace(scenario, robots=robots, errors=errors, strangers=Strangers(2.0))


def chased(core: ArenaCore, periods: int) -> np.ndarray:
    """Let the strangers chase the nearest robots; the places ``[periods, B, N, 2]``."""
    rng, places = np.random.default_rng(0), []
    for _ in range(periods):
        at = core.state[..., :2]
        apart = np.linalg.norm(at[:, OURS:, None] - at[:, None, :OURS], axis=-1)
        core.goal[:, OURS:] = np.take_along_axis(at[:, :OURS], apart.argmin(axis=-1)[..., None], axis=1)
        core.advance(rng.uniform(0.0, 1.0, core.last_action.shape))
        places.append(core.state[..., :2].copy())
    return np.array(places)


@pytest.mark.parametrize("errors", [EXACT, INEXACT, dataclasses.replace(INEXACT, others="sensed")],
                         ids=["exact", "heard", "sensed"])  # fmt: skip
def test_who_is_chased_is_met_standing_and_nobody_else_collides(errors: ErrorBounds) -> None:
    met = {}
    for declared in (None, NOBODY):
        core = ArenaCore(
            lambda rng: among_strangers(rng, errors), worlds=8, seed=1, redraw=False, checks=6, strangers=declared
        )
        places = chased(core, 150)
        met[declared] = core.contacts.sum(axis=0)
        apart = np.linalg.norm(places[:, :, :OURS, None] - places[:, :, None, OURS:], axis=-1)
        touch = apart - core.body[:, :OURS, RADIUS, None] - core.body[:, None, OURS:, RADIUS] < 0.0
        began = touch[1:] & ~touch[:-1]
        assert began.sum() <= core.contacts.sum() + touch[0].sum(), "what is seen at the ends of periods was counted"
        if declared is None:
            assert not core.collided[:, :OURS].any()
    assert met[None][MOVING] == 0 and met[None][STANDING] > 0
    assert met[NOBODY][MOVING] > 0


def test_contacts_are_a_part_of_what_is_saved() -> None:
    make = lambda: ArenaCore(lambda rng: among_strangers(rng, INEXACT), worlds=2, seed=3, redraw=False)  # noqa: E731
    core, other = make(), make()
    chased(core, 120)
    other.load_state_dict(core.state_dict())
    assert (other.contacts == core.contacts).all() and core.contacts.any()
    assert (chased(core, 30) == chased(other, 30)).all() and (other.contacts == core.contacts).all()
    assert core.summary(0)["contacts_standing"] == core.contacts[0, STANDING]


def test_a_state_from_before_there_were_strangers_is_taken() -> None:
    def draw(rng: np.random.Generator) -> Scenario:
        return dataclasses.replace(mixed.draw(rng, robots=3), errors=ErrorBounds(latency=0.03))

    core, other = ArenaCore(draw, seed=1, redraw=False), ArenaCore(draw, seed=2, redraw=False)
    core.observe()
    saved = core.state_dict()
    old = {name: value[..., :N_PACE] if name.startswith("errors.news") and "missed" not in name else value
           for name, value in saved.items()}  # fmt: skip
    assert old["errors.news.told"].shape[-1] == N_BODY_X + 5 < saved["errors.news.told"].shape[-1]
    other.load_state_dict(old)
    for name, value in other.state_dict().items():
        np.testing.assert_array_equal(value, saved[name], name)  # also where nothing was reached
