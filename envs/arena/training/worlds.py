"""The worlds that the tuner is trained in: batches of the shipped kinds, or of families and maps of a user's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from envs.arena.core import ArenaCore, Chooser, Draw
from envs.arena.errors import OLDEST, declaring
from envs.arena.training.led import Led
from envs.arena.training.styles import MAP_HORIZON, ROBOTS, STYLES, draw, planner_of
from envs.scenarios import family, map_family, options_of
from envs.scenarios.tiled import rooms_of
from swarm.array_types import AnyArray, Array
from swarm.errors import InputError
from swarm.files.text_files import located
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.scenario import Scenario
from swarm.tune.observation import Observation

FEW = 4
"""Robots of a room in which all can be rewarded for what one does."""
# Scenarios that are drawn to see how large teams are.
_TRIALS = 64


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
