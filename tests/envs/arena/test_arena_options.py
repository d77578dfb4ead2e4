"""ArenaEnv's options: kinds of actions, forms of observations, where scenarios come from, when episodes end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.arena.env import ArenaEnv
from envs.scenarios import FAMILIES, clutter
from swarm.errors import InputError
from swarm.model.dynamics import Kind, Limits
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.robot_spec import RobotSpec
from swarm.scenario.scenario import Scenario
from swarm.scenario.world import World

pytestmark = pytest.mark.usefixtures("one_thread")

LIMITS = {
    Kind.SINGLE_INTEGRATOR: Limits(0.5), Kind.DOUBLE_INTEGRATOR: Limits(0.5, acceleration=2.0),
    Kind.UNICYCLE: Limits(0.5, turn_rate=2.0),
}  # fmt: skip


def head_on(kind: Kind) -> Scenario:
    """Two robots 1.5 m apart, each on its way to where the other is."""
    starts = np.array([[1.0, 1.0, 0.0, 0.0, 0.0], [2.5, 1.0, np.pi if kind == Kind.UNICYCLE else 0.0, 0.0, 0.0]])
    robots = tuple(RobotSpec(kind, starts[i], starts[1 - i, None, :2], 0.1, LIMITS[kind]) for i in range(2))
    return Scenario(World(np.array([0.0, 0.0, 3.5, 2.0])), robots, 6.0, 0.05, 2.0)


def drive(env: ArenaEnv, actions: dict[str, Any]) -> dict[str, Any]:
    """The same actions to the end of an episode; returns the last infos."""
    env.reset(seed=0)
    infos: dict[str, Any] = {}
    while env.agents:
        *_, infos = env.step(actions)
    return infos


@pytest.mark.parametrize("kind", list(Kind))
def test_head_on_free_controls_collide_and_filtered_ones_do_not(kind: Kind) -> None:
    there = np.array([1.0, 0.0])
    back = there if kind == Kind.UNICYCLE else -there
    actions = {"robot_0": there, "robot_1": back}
    free, safe = (ArenaEnv(head_on(kind), actions=name) for name in ("free", "control"))
    assert all(info["collided"] for info in drive(free, actions).values())
    assert not any(info["collided"] for info in drive(safe, actions).values())
    assert np.ptp(safe.core.state[0, :, 0]) < 0.5  # they came near


@pytest.mark.parametrize("kind", list(Kind))
def test_a_control_is_a_share_of_the_limits(kind: Kind) -> None:
    env = ArenaEnv(head_on(kind), actions="control")
    env.reset(seed=0)
    env.step({"robot_0": np.array([0.5, -0.25]), "robot_1": np.array([0.0, 0.0])})
    full = {
        Kind.SINGLE_INTEGRATOR: (0.5, 0.5), Kind.DOUBLE_INTEGRATOR: (2.0, 2.0), Kind.UNICYCLE: (0.5, 2.0),
    }[kind]  # fmt: skip
    assert env.core.control[0, 0] == pytest.approx([0.5 * full[0], -0.25 * full[1]])
    assert env.core.control[0, 1] == pytest.approx([0.0, 0.0])


def test_robots_that_do_not_cooperate_go_straight_on_whatever_the_action() -> None:
    scenario = FAMILIES["moving"](np.random.default_rng(0))
    env = ArenaEnv(scenario, actions="control")
    env.reset(seed=0)
    rude = ~env.core.cooperative[0]
    assert rude.any()
    start = env.core.state[0, :, :2].copy()
    for _ in range(10):
        env.step({agent: np.zeros(2) for agent in env.agents})
    moved = np.linalg.norm(env.core.state[0, :, :2] - start, axis=1)
    assert (moved[rude] > 0.01).all() and moved[~rude] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("form", ["dict", "flat"])
@pytest.mark.parametrize("family", ["clutter", "mixed", "moving", "swap"])
@pytest.mark.parametrize(
    "errors", [None, ErrorBounds(position=0.01, heading=0.02, velocity=0.02, age=0.03, latency=0.03)]
)
def test_spaces_are_finite_and_contain_everything(form: str, family: str, errors: ErrorBounds | None) -> None:
    env = ArenaEnv(family, observation=form, actions="control", errors=errors, max_cycles=60)
    observations, _ = env.reset(seed=0)
    spaces: list[Any] = [env.observation_space("robot_0"), env.action_space("robot_0"), env.state_space]
    for space in spaces:
        for box in space.values() if hasattr(space, "values") else [space]:
            assert not hasattr(box, "is_bounded") or (box.is_bounded() and np.isfinite([box.low, box.high]).all())
    rng = np.random.default_rng(0)
    while True:
        assert all(env.observation_space(agent).contains(seen) for agent, seen in observations.items())
        assert env.state_space.contains(env.state())
        if not env.agents:
            break
        observations, *_ = env.step({agent: rng.uniform(-1.0, 1.0, 2) for agent in env.agents})


def test_a_flat_observation_holds_the_same_numbers() -> None:
    parts, rows = ArenaEnv("clutter"), ArenaEnv("clutter", observation="flat")
    (one, _), (other, _) = parts.reset(seed=3), rows.reset(seed=3)
    for agent, seen in one.items():
        row = np.concatenate([seen["ego"], seen["edges"].ravel(), seen["mask"]])
        assert other[agent].dtype == np.float32 and (other[agent] == row).all()


def test_the_state_is_that_of_the_world() -> None:
    env = ArenaEnv("clutter")
    env.reset(seed=1)
    env.step({agent: np.full(6, 0.5) for agent in env.agents})
    state, core = env.state(), env.core
    table = state[:-1].reshape(core.num_robots, -1)
    assert table[:, [0, 1, 3, 4]] == pytest.approx(core.state[0][:, [0, 1, 3, 4]], abs=1e-6)
    assert table[:, 5:7] == pytest.approx(core.goal[0], abs=1e-6)
    assert state[-1] == pytest.approx(core.period[0])


def test_an_episode_ends_after_max_cycles() -> None:
    env = ArenaEnv("clutter", max_cycles=7)
    for _ in range(2):
        env.reset(seed=0)
        for k in range(1, 8):
            _, _, terminated, truncated, _ = env.step({agent: np.full(6, 0.5) for agent in env.agents})
            assert set(terminated.values()) == {False} and set(truncated.values()) == {k == 7}
        assert env.agents == []
    longer = ArenaEnv(clutter.draw(np.random.default_rng(0), horizon=0.3), max_cycles=1000)
    drive(longer, {f"robot_{i}": np.full(6, 0.5) for i in range(8)})
    assert longer.core.age[0] == 10


def test_a_scenario_is_a_name_a_file_an_object_or_a_function(tmp_path: Path) -> None:
    scenario = clutter.draw(np.random.default_rng(5))
    scenario.save(tmp_path / "mine.yaml")
    given: list[Any] = [scenario, tmp_path / "mine.yaml", str(tmp_path / "mine.yaml"), lambda rng: scenario]
    states = []
    for one in given:
        env = ArenaEnv(one)
        env.reset(seed=0)
        states.append(env.state())
    assert all((state == states[0]).all() for state in states)
    wrong: list[tuple[Any, str]] = [("nowhere", "doorway"), (tmp_path / "mine.map", r"\.yaml"), (7, "family")]
    for bad, message in wrong:
        with pytest.raises(InputError, match=message):
            ArenaEnv(bad)


@pytest.mark.parametrize("options", [{"actions": "force"}, {"observation": "image"}, {"max_cycles": 0}])
def test_bad_options(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        ArenaEnv("clutter", **options)


@pytest.mark.parametrize("bad", [np.zeros(6), np.array([np.nan, 0.0]), None, "full speed"])
def test_wrong_controls(bad: Any) -> None:
    env = ArenaEnv("clutter", actions="control")
    env.reset(seed=0)
    actions = {agent: np.zeros(2) for agent in env.agents} | {"robot_2": bad}
    with pytest.raises(InputError, match="action of robot_2"):
        env.step(actions)
