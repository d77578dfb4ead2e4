"""What is not exact, row by row: collisions under random tunables, and arrivals with the shipped tuner.

Gaussian noise counts as its standard deviation: it is cut at three of them, and three are declared. A row is driven
with errors as it says and with an adversary that pushes all of them to their bounds towards the nearest contact; a
third time with robots that assume that all is exact, which have to collide where the row is worth anything.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from envs.arena.core import ArenaCore, Draw
from envs.arena.episodes import run_episodes
from envs.scenarios import clutter, mixed
from studies.safety import teams
from studies.safety.driving import CHECKS, EPISODE, Tally, drive
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.model.footprint.polygon import box, reach
from swarm.scenario.scenario import Scenario
from swarm.tune.controllers import Controller

WORLDS = 64


@dataclass(frozen=True)
class Row:
    """One kind of error.

    Attributes:
        name: For the table.
        team: ``carts``, ``boxes``, ``small`` or ``shapes``.
        errors: What is declared and simulated.
        style: How it is drawn (``envs.arena.errors``).
    """

    name: str
    team: str
    errors: ErrorBounds
    style: str = "white"


def _sigma(metres: float, degrees: float = 0.0, **others: float) -> ErrorBounds:
    """Gaussian noise of the place and of the heading, declared with three standard deviations."""
    return ErrorBounds(position=3.0 * metres, heading=math.radians(3.0 * degrees), **others)  # type: ignore[arg-type]


PLAUSIBLE = _sigma(0.01, 1.0, lag=0.15, age=0.05, latency=0.05, slip=0.05)
EVERYTHING = ErrorBounds(
    position=0.005, heading=0.03, velocity=0.02, age=0.03, latency=0.03, loss=0.2, dead_time=0.03, lag=0.05, slip=0.05,
)  # fmt: skip

ROWS = (
    Row("noise σ 10 mm, 1°", "carts", _sigma(0.01, 1.0)),
    Row("noise σ 20 mm, 2°", "carts", _sigma(0.02, 2.0)),
    Row("noise σ 50 mm, 5°", "carts", _sigma(0.05, 5.0)),
    Row("constant bias σ 20 mm", "carts", _sigma(0.02), "constant"),
    Row("lag 0.1 s", "carts", ErrorBounds(lag=0.1)),
    Row("lag 0.4 s", "carts", ErrorBounds(lag=0.4)),
    Row("news 100 ms old", "carts", ErrorBounds(latency=0.1)),
    Row("news 200 ms old", "carts", ErrorBounds(latency=0.2)),
    Row("own state 50 ms old", "carts", ErrorBounds(age=0.05), "constant"),
    Row("own state 100 ms old", "carts", ErrorBounds(age=0.1), "constant"),
    Row("own state 150 ms old", "carts", ErrorBounds(age=0.15), "constant"),
    Row("60 % of the messages lost", "carts", ErrorBounds(loss=0.6)),
    Row("slip ±30 %", "carts", ErrorBounds(slip=0.3), "constant"),
    Row("others sensed, 10 mm, scan 50 ms old", "carts", ErrorBounds(sensing=0.01, age=0.05, others="sensed")),
    Row("a plausible robot", "carts", PLAUSIBLE),
    Row("noise σ 10 mm, 1°", "boxes", _sigma(0.01, 1.0)),
    Row("news 100 ms old", "boxes", ErrorBounds(latency=0.1)),
    Row("a plausible robot", "boxes", PLAUSIBLE),
    Row("news one period old", "small", ErrorBounds(latency=0.03)),
    Row("commands act one period late", "small", ErrorBounds(dead_time=0.03)),
    Row("place within 2 mm", "small", ErrorBounds(position=0.002)),
    Row("place within 5 mm", "small", ErrorBounds(position=0.005)),
    Row("place within 10 mm", "small", ErrorBounds(position=0.01)),
    Row("lag 50 ms", "small", ErrorBounds(lag=0.05)),
    Row("velocity off by 10 %", "small", ErrorBounds(velocity=0.05), "constant"),
    Row("others sensed, scan one period old", "small", ErrorBounds(age=0.03, others="sensed")),
    Row("place 5 mm, all one period old and late", "small", ErrorBounds(position=0.005, age=0.03, dead_time=0.03)),
    Row("all errors at once", "small", EVERYTHING),
)
"""The rows of the table."""

SHAPES = (
    Row("place within 5 mm", "shapes", ErrorBounds(position=0.005)),
    Row("all errors but a lag", "shapes", dataclasses.replace(EVERYTHING, lag=0.0)),
    Row("all errors at once, neither cars nor second order", "shapes", EVERYTHING),
)
"""Those of the table of shapes."""


def cart_limits(kind: Kind) -> Limits:
    """Of carts: 1 m/s, 4 rad/s, and a double integrator's 2 m/s²."""
    return Limits(1.0, 2.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf, 4.0)


def carts(rng: np.random.Generator, kind: Kind, radius: float = 0.25) -> Scenario:
    """Six carts of 0.25 m in a room of 4.8 m with two boxes."""
    return clutter.draw(
        rng, robots=6, obstacles=2, side=4.8, kind=kind, limits=cart_limits(kind), radius=radius, horizon=30.0, dt=0.05,
        sensing_radius=3.0,
    )  # fmt: skip


def boxes(rng: np.random.Generator, kind: Kind) -> Scenario:
    """The same carts, but boxes of 0.5 × 0.25 m."""
    corners = box(0.5, 0.25)
    drawn = carts(rng, kind, reach(corners))
    turned = [np.concatenate([one.start[:2], rng.uniform(-math.pi, math.pi, 1), one.start[3:]]) for one in drawn.robots]
    return dataclasses.replace(drawn, robots=tuple(
        dataclasses.replace(one, start=start, footprint=corners)
        for one, start in zip(drawn.robots, turned, strict=True)
    ))  # fmt: skip


def small(rng: np.random.Generator, kind: Kind) -> Scenario:
    """Eight robots of 50 mm among boxes, as in the protocol of GCBF+."""
    return clutter.draw(rng, kind=kind)


def crowd(rng: np.random.Generator, kind: Kind) -> Scenario:
    """Eight small robots of any size in a narrow room: more contacts to be had than in the protocol's square."""
    return mixed.draw(rng, robots=8, room=0.3, kinds=(kind,))


def shapes(rng: np.random.Generator, kind: Kind, errors: ErrorBounds) -> Scenario:
    """Eight small robots in a narrow room; half of them are polygons, a third give way to nobody.

    Of unicycles half are cars, without a steering rate, for which errors are refused, and half of the rest are of
    second order; where there is a lag, which is refused for both, neither.
    """
    share = 0.0 if errors.lag > 0.0 else 0.5
    while True:
        drawn = teams.draw(
            rng, rude=1 / 3, polygons=0.5, robots=8, room=0.3, kinds=(kind,), second_order=share, cars=share
        )
        robots = tuple(dataclasses.replace(one, limits=_steers_at_once(one.limits)) for one in drawn.robots)
        try:
            return dataclasses.replace(drawn, robots=robots, errors=errors)
        except InputError:  # with errors, two start too near to each other
            continue


def _steers_at_once(limits: Limits) -> Limits:
    return dataclasses.replace(limits, steering_rate=math.inf) if limits.is_car else limits


def drawing(row: Row, kind: Kind, *, crowded: bool) -> Draw:
    """What draws a row's worlds for robots of a kind."""
    if row.team == "shapes":
        return lambda rng: shapes(rng, kind, row.errors)
    draw: Callable[[np.random.Generator, Kind], Scenario] = {"carts": carts, "boxes": boxes}.get(
        row.team, crowd if crowded else small
    )
    return lambda rng: dataclasses.replace(draw(rng, kind), errors=row.errors)


@dataclass
class Outcome:
    """What a row came to.

    Attributes:
        as_said: With errors as the row says.
        pushed: With an adversary.
        exact: With robots that assume that nothing is wrong.
        success: Share of robots that arrive safely with the tuner, per kind.
        without: The same with exact states.
    """

    row: Row
    as_said: Tally
    pushed: Tally
    exact: Tally
    success: list[float]
    without: list[float]


def measure(rows: Sequence[Row], steps: int, episodes: int, seed: int, controller: Controller) -> Iterator[Outcome]:
    """Drive all rows: ``steps`` robot-steps each and style, a tenth of them with robots that assume nothing."""
    rng, exact = np.random.default_rng(seed), {}
    for row in rows:
        found = Outcome(row, Tally(), Tally(), Tally(), [], [])
        for kind in Kind:
            _drive(row, kind, row.style, None, steps / 3, rng, found.as_said)
            _drive(row, kind, "adversary", None, steps / 3, rng, found.pushed)
            _drive(row, kind, row.style, EXACT, steps / 30, rng, found.exact)
            if (row.team, kind) not in exact:
                exact[row.team, kind] = _arrive(
                    dataclasses.replace(row, errors=EXACT), kind, episodes, seed, controller
                )
            found.success.append(_arrive(row, kind, episodes, seed, controller))
            found.without.append(exact[row.team, kind])
        yield found


def _drive(
    row: Row, kind: Kind, style: str, assume: ErrorBounds | None, steps: float, rng: np.random.Generator, tally: Tally
) -> None:
    """At least so many robot-steps under random tunables."""
    done = 0
    while done < steps:
        core = ArenaCore(
            drawing(row, kind, crowded=True), worlds=WORLDS, seed=int(rng.integers(1 << 31)), checks=CHECKS,
            assume=assume, styles=(style,),
        )  # fmt: skip
        drive(core, rng, tally)
        done += EPISODE * core.num_worlds * core.num_robots


def _arrive(row: Row, kind: Kind, episodes: int, seed: int, controller: Controller) -> float:
    """Share of the robots that arrive safely with a controller, straight ahead."""
    draw = drawing(row, kind, crowded=False)
    found = run_episodes(draw, controller, episodes, seed=seed, styles=(row.style,), checks=CHECKS)
    return found.figures()["success"]


def table(outcomes: Sequence[Outcome], command: str) -> list[str]:
    """The rows as Markdown."""
    total = sum(one.as_said.steps + one.pushed.steps for one in outcomes)
    collided = sum(one.as_said.collided + one.pushed.collided for one in outcomes)
    lines = [
        f"`{command}`", "", f"**{total:,} robot-steps, {collided} collisions.**", "",
        "| error | worlds | robot-steps | collided | … pushed by an adversary | least gap (mm) | assuming nothing: "
        "collided of 1000 robot-steps | success % with the tuner, SI / DI / unicycle | … exact |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for one in outcomes:
        least = 1e3 * min(one.as_said.least, one.pushed.least)
        bites = 1e3 * one.exact.collided / one.exact.steps
        shares = (" / ".join(f"{100.0 * value:.1f}" for value in part) for part in (one.success, one.without))
        lines.append(
            f"| {one.row.name} | {one.row.team} | {one.as_said.steps + one.pushed.steps:,} | {one.as_said.collided} | "
            f"{one.pushed.collided} | {least:.2f} | {bites:.2f} | {' | '.join(shares)} |"
        )
    return lines
