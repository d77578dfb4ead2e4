"""Worlds that are not exact: errors within their bounds, and believed within what the bodies declare of the truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from oracles.convex import outside
from oracles.inexact_worlds import ALL, DT, bold, core_of, drawn, hull_of, record, source_of, true_hull

from envs.arena.core import ArenaCore
from envs.arena.errors import STYLES
from envs.scenarios import clutter, mixed
from envs.strangers import TOUCH
from swarm.errors import InputError
from swarm.filter.hulls.geometry import MOST, other_hull
from swarm.model.actuators import T_ERROR
from swarm.model.body import ERROR, GROWTH, TOP_SPEED
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World
from swarm.sense.neighbours import N_ERROR, N_REACH

pytestmark = pytest.mark.usefixtures("one_thread")
SINGLE, DOUBLE, UNICYCLE = Kind
KINDS = pytest.mark.parametrize("kind", list(Kind))
NAMES = ["single", "double", "uni", "mixed"]
STYLE = pytest.mark.parametrize("style", STYLES)


@KINDS
@STYLE
def test_bodies_move_as_a_plain_simulation_of_their_commands(kind: Kind, style: str) -> None:
    core = core_of(kinds=(kind,), styles=[style])
    tape = record(core, 25)
    for k in (1, 7, 24):
        for i in range(core.num_robots):
            state, _ = tape.truth(i, k * DT)
            assert math.remainder(state[2] - tape.states[k][i, 2], math.tau) == pytest.approx(0.0, abs=1e-8)
            assert np.delete(state, 2) == pytest.approx(np.delete(tape.states[k][i], 2), abs=1e-8)


@KINDS
@STYLE
def test_what_robots_believe_of_themselves_is_within_their_error(kind: Kind, style: str) -> None:
    core = core_of(kinds=(kind,), styles=[style])
    tape, errors = record(core, 25), []
    for k in range(0, 23, 2):  # the last commands of all act later than what was recorded
        for i in range(core.num_robots):
            truth, (state, trail) = true_hull(tape, core, i, k), tape.believed[k]
            hull, bound = hull_of(int(kind), state[i], core.body[0, i], trail[i]), core.body[0, i, ERROR]
            errors.append(max(outside(point, hull) for point in truth) / bound)
            errors.append(max(outside(point, truth) for point in hull) / bound)
            assert max(errors[-2:]) * bound <= trail[i, T_ERROR] + 1e-9
            assert trail[i, T_ERROR] <= bound * (1.0 + 1e-9)  # nor is more counted than what is declared
    assert max(errors) <= 1.0
    assert max(errors) > 0.03  # they do err


TOLD: dict[str, ErrorBounds] = {
    "heard": ALL,
    "sensed": replace(ALL, others="sensed"),
    "heard_late": ErrorBounds(position=0.001, latency=0.1, loss=0.3),
    "sensed_late": ErrorBounds(dead_time=0.0175, others="sensed"),
}


@pytest.mark.parametrize("kinds", [(SINGLE,), (DOUBLE,), (UNICYCLE,), tuple(Kind)], ids=NAMES)
@STYLE
@pytest.mark.parametrize("name", TOLD)
def test_what_robots_believe_of_others_is_within_their_errors(kinds: tuple[Kind, ...], style: str, name: str) -> None:
    """The true hull of the other, as it lies to the true robot, is nowhere farther out than both errors together."""
    core = core_of(TOLD[name], kinds=kinds, styles=[style])
    tape = record(core, 25)
    for k in (0, 3, 9, 15, 22):
        hulls = [true_hull(tape, core, j, k) for j in range(core.num_robots)]
        for i in range(core.num_robots):
            shift = tape.believed[k][0][i, :2] - hulls[i][0]
            for j in {0, 1, 2, 3} - {i}:
                row, told = tape.seen[k][i, j], np.empty((MOST, 2))
                told = told[: other_hull(row, DT, told)]
                away = max(outside(point + shift, told) for point in hulls[j])
                assert away <= core.body[0, i, ERROR] + row[N_ERROR] + 1e-8


@STYLE
def test_drawn_errors_are_within_their_bounds(style: str) -> None:
    core = core_of(styles=[style], worlds=3)
    worst: dict[str, float] = {}
    errors, rng = source_of(core).errors, np.random.default_rng(1)
    bounds = {"position": 0.004, "heading": 0.03, "velocity": 0.01, "slip": 0.05, "sensing": 0.004}
    ages, lost, changed = [], [], []
    before = errors.position.copy()
    for _ in range(40):
        core.observe()
        for name in bounds:
            part = getattr(errors, name)
            size = np.linalg.norm(part, axis=-1) if name in ("position", "velocity", "sensing") else np.abs(part)
            worst[name] = max(worst.get(name, 0.0), float(size.max()))
        ages.append(errors.age.copy())
        lost.append(errors.lost.mean())
        changed.append(np.linalg.norm(errors.position - before, axis=-1).max() if len(ages) > 1 else 0.0)
        before = errors.position.copy()
        core.advance(bold(core, rng))
    for name, bound in bounds.items():
        assert 0.5 * bound < worst[name] <= bound * (1.0 + 1e-9), name
        if style in ("constant", "adversary"):
            assert worst[name] == pytest.approx(bound)
    assert np.min(ages) >= 0 and np.max(ages) == 4  # 0.02 s of 0.03 s, in sixths of a period
    assert (np.min(ages) == 4) == (style != "white")
    assert np.mean(lost) == pytest.approx(0.1, abs=0.03)
    if style == "constant":
        assert max(changed) == 0.0
    elif style == "varying":
        assert 0.0 < max(changed) <= 0.8 * bounds["position"]


def test_styles_are_drawn_evenly() -> None:
    core = core_of(worlds=40)
    assert set(np.bincount(source_of(core).style, minlength=4) > 3) == {True}
    with pytest.raises(InputError, match="style"):
        core_of(styles=["sometimes"])


@pytest.mark.parametrize("latency", [0.0, 0.03, 0.05, 0.09])
def test_without_news_a_robot_grows_and_news_make_it_small_again(latency: float) -> None:
    core = core_of(ErrorBounds(loss=0.4, latency=latency, position=0.002))
    source, rng, late = source_of(core), np.random.default_rng(2), max(math.ceil(latency / DT - 1e-9), 1) - 1
    count, told = core.num_robots, [source.told[0, 0].copy()]
    rows, old = {}, np.zeros((count, count), int)  # what each has of each, and for how many periods too long
    for k in range(40):
        core.observe()
        lost = source.errors.lost[0]
        for i in range(count):
            for j in set(range(count)) - {i}:
                if not lost[i, j]:
                    rows[i, j] = told[max(k - late, 0)][j]
                old[i, j] = old[i, j] + 1 if lost[i, j] else late
                expected = rows.get((i, j), told[0][j]).copy()
                expected[[N_ERROR, N_REACH]] += old[i, j] * core.body[0, j, GROWTH]
                np.testing.assert_allclose(source.news.seen[0, i, j], expected, rtol=0.0, atol=1e-12)
        core.advance(bold(core, rng))
        told.append(source.told[0, 0].copy())
    assert old.max() > late + 1 and (old == late).any()
    worst = core.body[0, :, ERROR] * (1.0 + 1e-9)
    assert all(((row[:, N_ERROR] > 0.0) & (row[:, N_ERROR] <= worst)).all() for row in told[1:])


@KINDS
@STYLE
def test_nobody_tells_a_larger_error_than_what_is_declared(kind: Kind, style: str) -> None:
    """Margins, slots and top speeds count on it: also of one who drives at its limits, with a wrong velocity."""
    core = core_of(replace(ALL, velocity=0.05, slip=0.2), worlds=4, kinds=(kind,), styles=[style])
    rng, source = np.random.default_rng(4), source_of(core)
    for _ in range(40):
        core.observe()
        assert (source.trail[..., T_ERROR] <= core.body[..., ERROR] * (1.0 + 1e-9)).all()
        core.advance(bold(core, rng))
        assert (source.told[:, 0, :, N_ERROR] <= core.body[..., ERROR] * (1.0 + 1e-9)).all()


def test_who_senses_others_needs_no_message() -> None:
    heard, sensed = (core_of(replace(ALL, loss=0.95, others=others)) for others in ("heard", "sensed"))  # type: ignore[arg-type]
    for core in (heard, sensed):
        record(core, 20)
    off = ~np.eye(heard.num_robots, dtype=bool)
    errors = [source_of(core).news.seen[0][off][:, N_ERROR] for core in (heard, sensed)]
    assert errors[0].max() > 2.0 * errors[1].max()
    body = sensed.body[0]
    periods = math.ceil((ALL.age + ALL.dead_time) / DT)
    for i in range(sensed.num_robots):
        for j in set(range(sensed.num_robots)) - {i}:
            ahead = math.sqrt(2.0) * body[j, TOP_SPEED] * ALL.lag  # what runs ahead of a body is not sensed
            expected = periods * body[j, GROWTH] + ahead + ALL.sensing + ALL.position
            assert source_of(sensed).news.seen[0, i, j, N_ERROR] == pytest.approx(expected)


def run(core: ArenaCore, periods: int, seed: int = 0) -> np.ndarray:
    rng, states = np.random.default_rng(seed), []
    for _ in range(periods):
        core.advance(bold(core, rng))
        core.arrive()
        states.append(core.state.copy())
    return np.array(states)


def test_errors_of_0_are_none() -> None:
    plain = ArenaCore(partial(mixed.draw, robots=6, obstacles=3, room=0.35), worlds=2, redraw=False)
    declared = ArenaCore(
        lambda rng: replace(mixed.draw(rng, robots=6, obstacles=3, room=0.35), errors=ErrorBounds(others="sensed")),
        worlds=2, redraw=False, assume=ErrorBounds(),
    )  # fmt: skip
    assert declared.source is None
    assert (run(plain, 40) == run(declared, 40)).all()
    for left, right in zip(plain.observe(), declared.observe(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_an_exact_world_beside_one_that_is_not_is_driven_as_alone() -> None:
    """Up to rounding: its bodies are moved in sub-steps."""
    exact = ArenaCore(partial(drawn, errors=EXACT), worlds=2, redraw=False, checks=6)
    both: list[ErrorBounds] = [ALL, EXACT]
    beside = ArenaCore(lambda rng: drawn(rng, errors=both.pop(0)), worlds=2, redraw=False)
    assert run(beside, 15)[:, 1] == pytest.approx(run(exact, 15)[:, 1], abs=1e-9)
    assert np.abs(beside.state[0] - exact.state[0]).max() > 1e-3


MORE: dict[str, ErrorBounds] = {
    "all": ALL,
    "sensed": replace(ALL, others="sensed"),
    "late": ErrorBounds(latency=0.2, loss=0.3, dead_time=0.1),
    "worn": ErrorBounds(lag=0.15, slip=0.2, position=0.01),
}


@KINDS
@pytest.mark.parametrize("name", MORE)
def test_nobody_collides_and_who_assumes_nothing_does(kind: Kind, name: str) -> None:
    core = core_of(MORE[name], worlds=8, kinds=(kind,))
    run(core, 80)  # 3840 robot-steps
    assert core.outcomes.sum() == 80 * 8 * 6 and core.outcomes[:, 2].sum() > 100
    assert not core.collided.any()
    assert core.min_clearance.min() >= TOUCH
    if name == "late":
        return  # a stamp says how late a message is, whatever is assumed
    careless = core_of(MORE[name], worlds=8, kinds=(kind,), assume=EXACT)
    run(careless, 80)
    assert careless.collided.sum() >= 2


def test_a_later_scenario_may_not_be_worse_than_what_is_kept() -> None:
    def alternating(*errors: ErrorBounds) -> Callable[[np.random.Generator], Scenario]:
        queue = list(errors)
        return lambda rng: replace(clutter.draw(rng, robots=2, obstacles=0), errors=queue.pop(0))

    with pytest.raises(InputError, match="errors"):
        ArenaCore(alternating(EXACT, ALL)).reset()
    with pytest.raises(InputError, match="age"):
        ArenaCore(alternating(ALL, replace(ALL, latency=1.0))).reset()
    ArenaCore(alternating(ALL, replace(ALL, slip=0.1), EXACT)).reset()


def test_others_are_sensed_from_where_the_robot_is() -> None:
    """One that drives fast past one that is slow does not take it with it while its command is on its way."""
    errors = ErrorBounds(dead_time=DT, others="sensed")
    fast, slow = (
        RobotSpec(SINGLE, np.array([x, y, 0.0, 0.0, 0.0]), np.array([[x + way, y]]), 0.05, Limits(top))
        for x, y, way, top in ((0.5, 1.0, 2.0, 1.0), (1.5, 1.5, 0.01, 0.05))
    )
    world = World(np.array([0.0, 0.0, 4.0, 4.0]))
    plan = Scenario(world, (fast, slow), 30.0, DT, 2.0, "past", errors=errors)
    core = ArenaCore(lambda rng: plan, redraw=False)
    tape = record(core, 12)
    assert tape.states[11][0, 0] > 0.6
    for k in range(12):
        assert tape.seen[k][0, 1, :2] == pytest.approx(tape.states[k][1, :2], abs=1e-12)


def test_worlds_that_are_not_exact_go_on_exactly_from_what_was_saved() -> None:
    core, other = (
        ArenaCore(partial(drawn, errors=ALL, kinds=tuple(Kind), horizon=0.6), worlds=3, seed=seed) for seed in (1, 5)
    )
    rng, ended = np.random.default_rng(0), 0
    actions = rng.random((40, 3, core.num_robots, 6))
    for action in actions[:15]:
        core.step(action)
    other.load_state_dict(core.state_dict())
    for action in actions[15:]:
        ended += len(core.step(action)[4]["episodes"])
        other.step(action)
        assert (core.state == other.state).all()
    assert ended >= 3  # also with errors of episodes that begin afterwards
