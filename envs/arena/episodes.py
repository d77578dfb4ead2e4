"""Whole episodes of a policy in batches of worlds: the same episodes for every policy, however they are batched.

Episode k of a seed is drawn from its own generator, seeded with (seed, k). A world whose episode is over takes up
the next one, so that no world waits for the slowest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from envs.arena.core import ArenaCore, Draw
from envs.arena.errors import STYLES
from swarm.array_types import Array, Flags, Int64s
from swarm.errors import InputError
from swarm.filter.further_rows import Constraint
from swarm.filter.safety import OUTCOMES
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.scenario import Scenario
from swarm.tune.observation import Observation

# Turns the observations [B, N, ...] of all robots into their actions [B, N, 6] in [0, 1].
Policy = Callable[[Observation], Array]
# The actions [B, N, 6] in a core whose worlds play the episodes [B].
Act = Callable[[ArenaCore, Int64s], Array]

# Robots in one batch, unless one is told how many worlds to run at once.
_ROBOTS_AT_ONCE = 4096


@dataclass(frozen=True)
class Track:
    """Everything that happened in one episode of T periods, for pictures.

    Attributes:
        scenario: What was driven.
        state: ``float64[T + 1, N, 5]``: x, y [m], heading [rad], velocity [m/s].
        action: ``float64[T, N, 6]``, tunables in [0, 1].
        outcome: ``int64[T, N]``, numbers of ``swarm.filter.safety.OUTCOMES``.
    """

    scenario: Scenario
    state: Array
    action: Array
    outcome: Int64s


@dataclass(frozen=True)
class Episodes:
    """What became of every robot in E episodes of N robots.

    Where teams differ in size, N is the largest one's; robots that are not there are safe and not counted.

    Attributes:
        safe: ``bool[E, N]``, never touched anything.
        reached: ``bool[E, N]``, was at its (last) goal at least once.
        reach_time: ``float64[E, N]`` [s]; NaN if it never was.
        deliveries: ``int64[E, N]``, goals that were reached.
        min_clearance: ``float64[E, N]``, smallest gap to anything [m].
        counted: ``bool[E, N]``, cooperates; only such robots count for success and time, all for safety.
        outcomes: ``int64[E, 3]``, in the order of ``swarm.filter.safety.OUTCOMES``.
        steps: ``int64[E]``, periods that were driven.
        horizon: ``float64[E]`` [s].
        contacts: ``int64[E, 2]``, with those who ignore everybody (``envs.strangers``).
        tracks: Of the episodes that were recorded, the first ones.
        team: ``int64[E]``, robots of each episode, the first ones of N; None: all N.
    """

    safe: Flags
    reached: Flags
    reach_time: Array
    deliveries: Int64s
    min_clearance: Array
    counted: Flags
    outcomes: Int64s
    steps: Int64s
    horizon: Array
    contacts: Int64s = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    tracks: tuple[Track, ...] = ()
    team: Int64s | None = None

    @property
    def present(self) -> Flags:
        """``bool[E, N]``: there is such a robot."""
        most = self.safe.shape[1]
        team = np.full(len(self.safe), most) if self.team is None else self.team
        found: Flags = np.arange(most) < team[:, None]
        return found

    @property
    def success(self) -> Flags:
        """``bool[E, N]``: safe, and reached its goal."""
        return self.safe & self.reached

    @property
    def complete(self) -> Flags:
        """``bool[E]``: every robot was safe, and all that count reached their goals."""
        return np.all(self.safe & (self.reached | ~self.counted), axis=1)

    @property
    def time(self) -> Array:
        """``float64[E, N]``, time to the goal [s]; the horizon for a robot that did not get there."""
        return np.where(self.reached, self.reach_time, self.horizon[:, None])

    def figures(self) -> dict[str, float]:
        """Means: safe over all robots; reached, success and time over those that count; complete over episodes.

        ``clearance`` is the mean over episodes of the smallest gap [m], ``min_clearance`` the smallest of all;
        ``relaxed`` and ``braking`` are shares of the robots' periods.
        """
        least = self.min_clearance.min(axis=1)
        shares = self.outcomes.sum(axis=0) / max(1, int(self.outcomes.sum()))
        return {
            "safe": float(self.safe[self.present].mean()),
            **{name: float(getattr(self, name)[self.counted].mean()) for name in ("reached", "success", "time")},
            "complete": float(self.complete.mean()),
            "clearance": float(least.mean()),
            "min_clearance": float(least.min()),
            "relaxed": float(shares[OUTCOMES.index("relaxed")]),
            "braking": float(shares[OUTCOMES.index("braking")]),
        }


def draw_episodes(draw: Draw, episodes: int, seed: int) -> list[Scenario]:
    """The scenarios of episodes 0, 1, … of a seed.

    Raises:
        InputError: If there is none.
    """
    if episodes < 1:
        raise InputError("episodes", episodes, "1 or more")
    return [draw(np.random.default_rng([seed, k])) for k in range(episodes)]


def run_episodes(
    draw: Draw, policy: Policy, episodes: int, *, seed: int, planner: str | Callable[[Scenario], str] = "straight",
    filtered: bool = True, worlds_at_once: int | None = None, checks: int = 1, record: int = 0,
    assume: ErrorBounds | None = None, styles: Sequence[str] = STYLES, constraint: str | Constraint | None = None,
    report: Callable[[bool], object] = lambda complete: None,
) -> Episodes:  # fmt: skip
    """Drive a policy through whole episodes.

    Args:
        draw: Draws a scenario.
        policy: Observations ``[B, N, ...]`` to actions ``[B, N, 6]``; it keeps nothing from step to step.
        episodes: How many.
        seed: Of the episodes; every policy gets the same.
        planner: ``straight``, ``roadmap``, a reference, or a function that names one for a scenario.
        filtered: False lets the nominal control through.
        worlds_at_once: Worlds in one batch; the results do not depend on it.
        checks: Instants per period at which gaps are measured.
        record: Of how many episodes, the first ones, to keep the tracks.
        assume: Errors that the robots count on; None: those that their scenarios declare.
        styles: Of the errors (``envs.arena.errors``), each episode one of them.
        constraint: As in ``ArenaCore``.
        report: Is told of each episode that ends whether all was well (``Episodes.complete``).

    Raises:
        InputError: If ``episodes`` is below 1.
    """
    return play(
        draw_episodes(draw, episodes, seed), lambda core, _: policy(core.observe()), planner=planner,
        filtered=filtered, worlds_at_once=worlds_at_once, checks=checks, record=record, assume=assume, styles=styles,
        constraint=constraint, seed=seed, report=report,
    )  # fmt: skip


def play(
    scenarios: Sequence[Scenario], act: Act, *, planner: str | Callable[[Scenario], str] = "straight",
    filtered: bool = True, worlds_at_once: int | None = None, checks: int = 1, record: int = 0,
    assume: ErrorBounds | None = None, styles: Sequence[str] = STYLES, constraint: str | Constraint | None = None,
    seed: int = 0, report: Callable[[bool], object] = lambda complete: None,
) -> Episodes:  # fmt: skip
    """Drive given scenarios, one episode each, to the horizon or until every robot that counts is at its goal.

    Args:
        scenarios: One for each episode; smaller teams are filled up to the largest (``ArenaCore``).
        act: The actions in a core, and which episode each of its worlds plays at the moment.
        planner: As in ``run_episodes``, like all that follows.
        filtered: See there.
        worlds_at_once: See there.
        checks: See there.
        record: See there.
        assume: See there.
        styles: See there.
        constraint: See there.
        seed: Of the errors.
        report: See there.
    """
    team = np.array([len(scenario.robots) for scenario in scenarios])
    most = None if (team == team[0]).all() else int(team.max())
    if worlds_at_once is None:
        worlds_at_once = max(1, _ROBOTS_AT_ONCE // int(team.max()))
    waiting = iter(range(len(scenarios)))
    core = ArenaCore(
        lambda _: scenarios[next(waiting)], worlds=min(worlds_at_once, len(scenarios)), filtered=filtered,
        redraw=False, checks=checks, planner=planner, assume=assume, styles=styles, constraint=constraint,
        robots=most,
    )  # fmt: skip
    tally, tape = _tally(len(scenarios), core.num_robots), _Tape(scenarios[:record])
    episode, running = np.arange(core.num_worlds), np.ones(core.num_worlds, bool)
    for world in range(core.num_worlds):
        core.begin_errors(world, _error_rng(seed, world))
    while running.any():
        core.advance(_checked(act(core, episode), core))
        core.arrive()
        tape.add(core, episode, running)
        for b in np.flatnonzero(running & (core.resting.all(axis=1) | (core.age >= core.horizon))):
            _enter(tally, int(episode[b]), core, int(b))
            report(bool((~core.collided[b] & (core.reached[b] | ~core.cooperative[b])).all()))
            following = next(waiting, None)
            if following is None:
                running[b] = False
            else:
                episode[b] = following
                core.load(int(b), scenarios[following])
                core.begin_errors(int(b), _error_rng(seed, following))
        core.moved &= running  # where an episode is over, nobody needs to plan
    return replace(tally, tracks=tape.tracks(), team=team)


def _error_rng(seed: int, episode: int) -> np.random.Generator:
    """Source of the errors of an episode; the episode itself is drawn from (seed, episode)."""
    return np.random.default_rng([seed, episode, 1])


def _checked(action: Array, core: ArenaCore) -> Array:
    """The actions as the kernels take them: an array of their own.

    Raises:
        InputError: If they have another shape or are not numbers.
    """
    action = np.array(action, dtype=np.float64)
    if action.shape != core.last_action.shape or np.isnan(action).any():
        raise InputError("policy: actions", action, f"numbers in [0, 1] of shape {core.last_action.shape}")
    return action


def _tally(episodes: int, robots: int) -> Episodes:
    """Arrays to be filled."""
    safe, reached, counted = (np.zeros((episodes, robots), bool) for _ in range(3))
    return Episodes(
        safe, reached, np.full((episodes, robots), np.nan), np.zeros((episodes, robots), np.int64),
        np.full((episodes, robots), np.inf), counted, np.zeros((episodes, len(OUTCOMES)), np.int64),
        np.zeros(episodes, np.int64), np.zeros(episodes), np.zeros((episodes, 2), np.int64),
    )  # fmt: skip


def _enter(tally: Episodes, episode: int, core: ArenaCore, b: int) -> None:
    """Write down the episode that world ``b`` has just finished."""
    tally.safe[episode], tally.reached[episode] = ~core.collided[b], core.reached[b]
    tally.counted[episode] = core.cooperative[b]
    for name in ("reach_time", "deliveries", "min_clearance", "outcomes", "contacts"):
        getattr(tally, name)[episode] = getattr(core, name)[b]
    tally.steps[episode], tally.horizon[episode] = core.age[b], core.horizon[b] * core.period[b]


class _Tape:
    """Records every sample of the first episodes."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._scenarios = scenarios
        self._samples: list[list[tuple[Array, Array, Int64s]]] = [[] for _ in scenarios]

    def add(self, core: ArenaCore, episode: Int64s, running: Flags) -> None:
        """Append the step that has just been made, in the worlds that play a recorded episode."""
        for b in np.flatnonzero(running & (episode < len(self._samples))):
            team = slice(len(self._scenarios[int(episode[b])].robots))
            sample = core.state[b, team].copy(), core.last_action[b, team].copy(), core.outcome[b, team].copy()
            self._samples[int(episode[b])].append(sample)

    def tracks(self) -> tuple[Track, ...]:
        """All that was recorded."""
        found = []
        for scenario, samples in zip(self._scenarios, self._samples, strict=True):
            states, actions, outcomes = zip(*samples, strict=True)
            starts = np.array([robot.start for robot in scenario.robots])
            found.append(Track(scenario, np.array([starts, *states]), np.array(actions), np.array(outcomes)))
        return tuple(found)
