"""What the errors of a plausible cart cost: success and time to the goal, in the same episodes with and without them.

Times are of the robots that arrive both times: who does not arrive is counted by the success.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from envs.arena.episodes import Episodes, run_episodes
from envs.scenarios import clutter
from studies.safety.driving import CHECKS
from studies.safety.inexact import PLAUSIBLE, cart_limits, carts
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.scenario.scenario import Scenario
from swarm.tune.controllers import Controller

KINDS = (Kind.DOUBLE_INTEGRATOR, Kind.UNICYCLE)
PLANNERS = ("straight", "roadmap", "passages")
_RESAMPLES = 2000


def hall(rng: np.random.Generator, kind: Kind) -> Scenario:
    """Twelve carts of 0.3 m in a hall of 12 m with eight boxes."""
    return clutter.draw(
        rng, robots=12, obstacles=8, side=12.0, horizon=30.0, kind=kind, limits=cart_limits(kind), radius=0.3,
        dt=0.05, sensing_radius=3.0,
    )  # fmt: skip


WORLDS: dict[str, Callable[[np.random.Generator, Kind], Scenario]] = {"room": carts, "hall": hall}


@dataclass(frozen=True)
class Cost:
    """What the errors cost a team.

    Attributes:
        team: World, dynamics and planner.
        success: Share of the robots that arrive safely, exact and with errors.
        time: Mean time of those that arrive both times [s], exact and with errors.
        slower: The second time over the first, with the ends of its 95 % interval (episodes drawn again).
        collided: Robots that touched anything.
    """

    team: tuple[str, str, str]
    success: tuple[float, float]
    time: tuple[float, float]
    slower: tuple[float, float, float]
    collided: int


def measure(episodes: int, seed: int, controller: Controller) -> Iterator[Cost]:
    """Drive the same episodes with exact states and with errors, for every team."""
    for world, draw in WORLDS.items():
        for kind in KINDS:
            for planner in PLANNERS:
                yield compare((world, kind.label, planner), *(
                    _drive(draw, kind, planner, errors, episodes, seed, controller) for errors in (EXACT, PLAUSIBLE)
                ))  # fmt: skip


def _drive(
    draw: Callable[[np.random.Generator, Kind], Scenario], kind: Kind, planner: str, errors: ErrorBounds, episodes: int,
    seed: int, controller: Controller,
) -> Episodes:  # fmt: skip
    def drawn(rng: np.random.Generator) -> Scenario:
        return dataclasses.replace(draw(rng, kind), errors=errors)

    return run_episodes(drawn, controller, episodes, seed=seed, planner=planner, styles=("white",), checks=CHECKS)


def compare(team: tuple[str, str, str], exact: Episodes, inexact: Episodes) -> Cost:
    """What errors cost, by the same episodes without and with them."""
    both = exact.success & inexact.success
    sums = np.stack([np.where(both, each.reach_time, 0.0).sum(axis=1) for each in (exact, inexact)])
    again = np.random.default_rng(0).integers(len(both), size=(_RESAMPLES, len(both)))
    ratios = sums[1][again].sum(axis=1) / sums[0][again].sum(axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    before, after = (sums.sum(axis=1) / both.sum()).tolist()
    collided = sum(int((~each.safe & each.present).sum()) for each in (exact, inexact))
    success = exact.figures()["success"], inexact.figures()["success"]
    return Cost(team, success, (before, after), (after / before, float(low), float(high)), collided)


def table(costs: Sequence[Cost], command: str) -> list[str]:
    """The teams as Markdown."""
    lines = [
        f"`{command}`", "", f"**{sum(one.collided for one in costs)} collisions.**", "",
        "| world | dynamics | planner | success %, exact | … with errors | time to goal (s), exact | … with errors | "
        "longer by % [95 % interval] |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in costs:
        slower, low, high = (f"{100.0 * (ratio - 1.0):.1f}" for ratio in one.slower)
        lines.append(
            f"| {' | '.join(one.team)} | {100.0 * one.success[0]:.1f} | {100.0 * one.success[1]:.1f} | "
            f"{one.time[0]:.2f} | {one.time[1]:.2f} | {slower} [{low}, {high}] |"
        )
    return lines
