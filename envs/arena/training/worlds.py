"""The worlds that the tuner is trained on: every family with at most eight robots, three dynamics, many sizes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from envs.arena.core import ArenaCore, Chooser, Draw
from envs.arena.errors import OLDEST, declaring
from envs.arena.training.led import Led
from envs.scenarios import (
    clutter,
    corridor,
    crossing,
    door_swap,
    doorway,
    family,
    map_family,
    merge,
    mixed,
    moving,
    open_floor,
    options_of,
    swap,
    turned_clutter,
    warehouse,
)  # fmt: skip
from envs.scenarios.tiled import rooms_of, tile
from swarm.array_types import AnyArray, Array
from swarm.errors import InputError
from swarm.files.text_files import located
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.scenario import Scenario
from swarm.tune.observation import Observation

ROBOTS = 8
FEW = 4
"""Robots of a room in which all can be rewarded for what one does."""
MAP_HORIZON = 20.0
"""Length of an episode on a map [s]."""
# Scenarios that are drawn to see how large teams are.
_TRIALS = 64
Style = Callable[[np.random.Generator, int], Scenario]


def _any(rng: np.random.Generator) -> dict[str, Any]:
    """Any dynamics; a double integrator's acceleration between 1 and 10 m/s²."""
    kind = Kind(int(rng.integers(3)))
    limits = Limits(0.5, acceleration=10.0 ** rng.uniform(0.0, 1.0)) if kind == Kind.DOUBLE_INTEGRATOR else None
    return {"kind": kind, "limits": limits}


def _slim(rng: np.random.Generator) -> dict[str, Any]:
    """Dynamics for gaps of 2.4 radii: unicycles need a planner that tells them where it is narrow to fit through."""
    options = _any(rng)
    return {"kind": Kind.SINGLE_INTEGRATOR} if options["kind"] == Kind.UNICYCLE else options


def _clutter(rng: np.random.Generator, robots: int) -> Scenario:
    """Random boxes, from the protocol's density to three times as dense; a quarter of them with a roadmap."""
    side, boxes = rng.uniform(2.0, 4.0), int(rng.integers(0, 11))
    scenario = clutter.draw(rng, robots=robots, obstacles=boxes, side=side, **_any(rng))
    return dataclasses.replace(scenario, name="roadmap") if rng.random() < 0.25 else scenario


def _turned_clutter(rng: np.random.Generator, robots: int) -> Scenario:
    """As GCBF+ draws, some with fewer or more boxes."""
    return turned_clutter.draw(rng, robots=robots, obstacles=int(rng.integers(4, 13)), side=4.0, **_any(rng))


def _carts(rng: np.random.Generator, robots: int) -> Scenario:
    """Robots of the size of the warehouse demo's, two thirds of them on wheels, in rooms from crowded to wide."""
    kind = Kind.UNICYCLE if rng.random() < 0.65 else Kind(int(rng.integers(2)))
    acceleration = 2.0 if kind == Kind.DOUBLE_INTEGRATOR else math.inf
    radius, side, boxes = rng.uniform(0.2, 0.3), rng.uniform(5.0, 14.0), int(rng.integers(0, 9))
    return clutter.draw(
        rng, robots=robots, obstacles=boxes if side > 8.0 else boxes // 3, side=side, horizon=20.0, kind=kind,
        limits=Limits(1.0, acceleration, turn_rate=4.0), radius=radius, dt=0.05, sensing_radius=rng.uniform(2.5, 3.0),
    )  # fmt: skip


def _warehouse(rng: np.random.Generator, robots: int) -> Scenario:
    """Deliveries between shelves, behind a roadmap: as crowded as with 8 to 30 robots on all of the map."""
    shelves = int(rng.integers(2, 5)), int(rng.integers(3, 8))
    return warehouse.draw(rng, robots=robots, horizon=MAP_HORIZON, shelves=shelves)


def _swap(rng: np.random.Generator, robots: int) -> Scenario:
    if rng.random() < 0.5:
        rooms = [swap.draw(rng, robots=2, spread=rng.uniform(4.0, 12.0), horizon=10.0, **kind)
                 for kind in [_any(rng)] * (robots // 2)]  # fmt: skip
        return tile(rooms)
    return swap.draw(rng, robots=robots, spread=rng.uniform(8.0, 24.0), horizon=10.0, **_any(rng))


def _late(rng: np.random.Generator, room: Scenario) -> Scenario:
    """One of the two robots starts up to 12 radii farther back: some cases settle themselves, others nearly do."""
    robots, late = list(room.robots), int(rng.integers(2))
    start, goal = robots[late].start.copy(), robots[late].goals[0]
    start[0] -= math.copysign(rng.uniform(0.0, 12.0) * rng.random() * robots[late].radius, goal[0] - start[0])
    robots[late] = dataclasses.replace(robots[late], start=start)
    return dataclasses.replace(room, robots=tuple(robots))


def _merge(rng: np.random.Generator) -> Scenario:
    return _late(rng, merge.draw(rng, noise=rng.random(), horizon=9.0, **_slim(rng)))


def _door_swap(rng: np.random.Generator) -> Scenario:
    return _late(rng, door_swap.draw(rng, noise=rng.random(), horizon=9.0))


def _door(rng: np.random.Generator) -> Scenario:
    return doorway.draw(rng, robots=2, gap=rng.uniform(2.3, 3.5), side=20.0, horizon=12.0, **_any(rng))


def _corridor(rng: np.random.Generator) -> Scenario:
    return corridor.draw(rng, horizon=12.0, **_slim(rng))


def _rooms(draw_room: Callable[[np.random.Generator], Scenario]) -> Style:
    """Rooms of two robots that meet at a gap or in a corridor, side by side."""
    return lambda rng, robots: tile([draw_room(rng) for _ in range(robots // 2)])


STYLES: dict[str, tuple[float, Style]] = {
    "clutter": (0.13, _clutter),
    "turned_clutter": (0.04, _turned_clutter),
    "carts": (0.13, _carts),
    "swap": (0.06, _swap),
    "merge": (0.05, _rooms(_merge)),
    "door_swap": (0.06, _rooms(_door_swap)),
    "door": (0.06, _rooms(_door)),
    "corridor": (0.12, _rooms(_corridor)),
    "crossing": (0.02, lambda rng, robots: crossing.draw(rng, robots=robots, **_any(rng))),
    "doorway": (0.09, lambda rng, robots: doorway.draw(rng, robots=robots, gap=rng.uniform(2.3, 5.0), **_any(rng))),
    "moving": (0.03, lambda rng, robots: moving.draw(rng, robots=robots - 2, movers=1, rude=1, **_any(rng))),
    "warehouse": (0.07, _warehouse),
    "open": (0.11, lambda rng, robots: open_floor.draw(rng, robots=robots, filled=rng.uniform(0.1, 0.25))),
    "mixed": (0.15, lambda rng, robots: mixed.draw(rng, robots=robots)),
}
"""Kinds of worlds: share, and how to draw one for some number of robots."""


def draw(rng: np.random.Generator, robots: int = ROBOTS, styles: Sequence[str] = tuple(STYLES)) -> Scenario:
    """Draw one training scenario of these kinds; which robot has which id says nothing of its place."""
    shares = np.array([STYLES[name][0] for name in styles])
    scenario = STYLES[styles[int(rng.choice(len(styles), p=shares / shares.sum()))]][1](rng, robots)
    return dataclasses.replace(scenario, robots=tuple(rng.permutation(np.array(scenario.robots, dtype=object))))


def planner_of(scenario: Scenario) -> str:
    """The planner of a training scenario."""
    return "roadmap" if scenario.name in ("roadmap", "warehouse") else "straight"


class TrainingArena(ArenaCore):
    """Worlds that do not all begin and end in the same update.

    Args:
        shared: All robots of a world act on the mean of what they propose.
        team: Share of its room's mean reward that each robot gets in place of its own, in rooms of a few (``FEW``).
        options: Of the core.
    """

    def __init__(self, *args: Any, shared: bool = False, team: float = 0.0, **options: Any) -> None:
        self._shared, self._team = shared, team
        super().__init__(*args, **options)
        self._mates = np.zeros(
            (self.num_worlds, self.num_robots, self.num_robots), np.float32
        )  # weights of their rewards
        self._mated: list[Scenario | None] = [None] * self.num_worlds  # of which scenario these are

    def begin(self, seed: int) -> Observation:
        """All worlds drawn anew from a seed, whole episodes: the same ones for the same seed."""
        return super().reset(seed)

    def led_by(self, planner: str) -> Led:
        """A planner that leads the robots by their tunables alone (``envs.arena.training.led``)."""
        return Led(self, planner)

    @property
    def families(self) -> list[str]:
        """What kind of world each is at present, and of robots, if those that cooperate are of one kind."""
        return [kind_of(scenario) for scenario in self.scenarios]

    def reset(self, seed: int | None = None) -> Observation:
        """See ``ArenaCore.reset``; the first episodes are cut short, each somewhere."""
        observation = super().reset(seed)
        self.age[:] = self.rng.uniform(0.0, self.horizon)
        return observation

    def step(self, action: AnyArray) -> Any:
        """See ``ArenaCore.step``; the rewards are those of the teams."""
        if self._team <= 0.0:
            return self._stepped(action)
        for b, scenario in enumerate(self.scenarios):
            if self._mated[b] is not scenario:
                self._mates[b], self._mated[b] = mates(scenario, self.num_robots, self._team), scenario
        observation, reward, *others = self._stepped(action)
        return observation, np.einsum("bij,bj->bi", self._mates, reward), *others

    def _stepped(self, action: AnyArray) -> Any:
        """``ArenaCore.step`` of what the robots propose."""
        if not self._shared:
            return super().step(action)
        there = np.broadcast_to(~self._missing[..., None], np.shape(action))
        mean = np.clip(np.asarray(action, dtype=np.float64), 0.0, 1.0).mean(axis=1, keepdims=True, where=there)
        return super().step(np.broadcast_to(mean, np.shape(action)))


def kind_of(scenario: Scenario) -> str:
    """Name of a scenario, and of the dynamics of its robots that cooperate, if they are alike."""
    labels = {robot.kind.label for robot in scenario.robots if robot.cooperative}
    return f"{scenario.name}, {labels.pop()}" if len(labels) == 1 else scenario.name


def mates(scenario: Scenario, robots: int, share: float) -> Array:
    """Weights ``[robots, robots]`` by which rewards are mixed within the rooms of a scenario that have few robots."""
    weights, rooms = np.eye(robots), rooms_of(scenario)
    for room in np.unique(rooms):
        inside = np.flatnonzero(rooms == room)
        if len(inside) <= FEW:
            weights[np.ix_(inside, inside)] = (1.0 - share) * np.eye(len(inside)) + share / len(inside)
    return weights


class OwnDraw:
    """Draws from families in equal shares, or deliveries on a map.

    Args:
        families: Names or references of families.
        map_name: Name or reference of a map, in place of families.
        robots: What every family is asked for. None: ``ROBOTS`` of those that take this option. One that cannot have so
            many, as where two meet, keeps its own number.

    Attributes:
        most: Robots of the largest team: those that were asked for, or what some scenarios have that are drawn to see.

    Raises:
        InputError: If there is no such family or map, or it does not take ``robots``.
    """

    def __init__(self, families: Sequence[str], map_name: str, robots: int | None) -> None:
        draws = {map_name: map_family(map_name)} if map_name else {name: family(name) for name in families}
        horizon = MAP_HORIZON if map_name else None
        self._draws = [self._with(name, one, robots, horizon) for name, one in draws.items()]
        seen = [len(one(np.random.default_rng(k)).robots) for one in self._draws for k in range(_TRIALS)]
        self.most = max(robots or ROBOTS, *seen)

    @staticmethod
    def _with(name: str, draw_one: Draw, robots: int | None, horizon: float | None) -> Draw:
        """A family with the options that it takes; one that cannot have so many robots keeps its own number."""
        with located(f"family {name}: "):
            options_of(draw_one, "robots", robots=robots)
        options = options_of(draw_one, robots=robots or ROBOTS, horizon=horizon)
        try:
            draw_one(np.random.default_rng(0), **options)
        except InputError:
            options.pop("robots", None)
        return partial(draw_one, **options)

    def __call__(self, rng: np.random.Generator) -> Scenario:
        """Draw one; which robot has which id says nothing of its place."""
        scenario = self._draws[int(rng.integers(len(self._draws))) if len(self._draws) > 1 else 0](rng)
        return dataclasses.replace(scenario, robots=tuple(rng.permutation(np.array(scenario.robots, dtype=object))))


def training_worlds(
    seed: int, worlds: int, robots: int | None = None, *, styles: Sequence[str] = tuple(STYLES), shared: bool = False,
    errors: ErrorBounds | None = None, assume: ErrorBounds | None = None, families: Sequence[str] = (),
    map_name: str = "", planner: str = "", reward: str = "", constraint: str = "", team: float = 0.0,
    errors_drawn: float = 0.0,
) -> TrainingArena:  # fmt: skip
    """The batched core over ``draw``, or over families or a map of a user's own.

    Args:
        seed: Of what is drawn.
        worlds: How many.
        robots: In each; the most, where teams differ in size. None: ``ROBOTS``, or the sizes that families have.
        styles: Kinds of worlds, if there are neither families nor a map.
        shared: See ``TrainingArena``.
        errors: As in ``ArenaCore``.
        assume: As in ``ArenaCore``.
        families: Names or references of families (``envs.scenarios.family``).
        map_name: Name or reference of a map (``envs.scenarios.map_family``).
        planner: As in ``ArenaCore``; if not given, the roadmap on a map, and else straight or what a style says.
        reward: As in ``ArenaCore``.
        constraint: As in ``ArenaCore``.
        team: See ``TrainingArena``.
        errors_drawn: Share of the worlds that declare errors, each bounds of its own (``envs.arena.errors``).

    Raises:
        InputError: If a name is unknown, or there are no styles.
    """
    options: dict[str, Any] = {"worlds": worlds, "seed": seed, "shared": shared, "errors": errors, "assume": assume,
               "reward": reward, "constraint": constraint, "team": team}  # fmt: skip
    drawn: Draw
    chosen: str | Chooser
    if families or map_name:
        drawn = own = OwnDraw(families, map_name, robots)
        chosen, robots = planner or ("roadmap" if map_name else "straight"), own.most
    else:
        robots = ROBOTS if robots is None else robots
        if not styles or (unknown := [name for name in styles if name not in STYLES]):
            raise InputError("styles", unknown[0] if styles else styles, f"some of {', '.join(STYLES)}")
        drawn, chosen = partial(draw, robots=robots, styles=styles), planner or planner_of
    if errors_drawn > 0.0:
        drawn, options["delay"] = partial(declaring, drawn, errors_drawn), OLDEST
    return TrainingArena(drawn, planner=chosen, robots=robots, **options)
