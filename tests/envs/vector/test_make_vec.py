"""The vector environments: Gymnasium's contract, and the same as single environments one by one, bit for bit."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, VectorEnv

import envs
from envs.arena.env import ArenaEnv
from envs.grid.env import GridEnv
from envs.scenarios import clutter
from swarm.errors import InputError
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import ErrorBounds
from swarm.scenario.scenario import Scenario

pytestmark = pytest.mark.usefixtures("one_thread")


def short(rng: np.random.Generator) -> Scenario:
    """Episodes of 8 to 25 steps."""
    return clutter.draw(rng, robots=4, obstacles=3, side=2.0, horizon=float(rng.uniform(0.25, 0.75)))


def vectors(**options: Any) -> list[Any]:
    return [
        envs.make_vec("arena_v0", worlds=5, scenario=short, **options),
        envs.make_vec("grid_v0", worlds=5, robots=6, max_cycles=9),
    ]


def parts(observation: Any) -> list[Any]:
    return list(observation.values()) if isinstance(observation, dict) else [observation]


@pytest.mark.parametrize("env", vectors(), ids=["arena", "grid"])
def test_shapes_types_and_spaces_of_gymnasium(env: Any) -> None:
    assert issubclass(type(env), VectorEnv) and env.num_envs == 5
    assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    env.action_space.seed(0)
    observation, infos = env.reset(seed=3)
    assert infos == {} and env.observation_space.contains(observation)
    robots = env.num_robots
    for _ in range(30):
        action = env.action_space.sample()
        assert action.shape[:2] == (5, robots)
        observation, reward, terminated, truncated, infos = env.step(action)
        assert env.observation_space.contains(observation)
        assert all(part.flags.c_contiguous and part.shape[:2] == (5, robots) for part in parts(observation))
        assert reward.shape == (5, robots) and reward.dtype == np.float32
        for flags in (terminated, truncated):
            assert flags.shape == (5,) and flags.dtype == bool
        ended = terminated | truncated
        assert ("final_obs" in infos) == bool(ended.any())
        if ended.any():
            assert (infos["_final_obs"] == ended).all() and (infos["_final_info"] == ended).all()
            for b in range(5):
                assert (infos["final_obs"][b] is None) == (not ended[b])
                assert not ended[b] or env.single_observation_space.contains(infos["final_obs"][b])
    env.close()


def compare(world: int, single: dict[str, Any], many: Any) -> None:
    """The observation of all agents of one world, and its rows of a vector environment's."""
    for i, seen in enumerate(single.values()):
        if isinstance(seen, dict):
            assert all((seen[key] == many[key][world, i]).all() for key in seen)
        else:
            assert (seen == many[world, i]).all()


@pytest.mark.parametrize("form", ["dict", "flat"])
@pytest.mark.parametrize("actions", ["tunables", "control", "free"])
def test_arena_worlds_are_single_environments_that_are_reset(form: str, actions: str) -> None:
    options: dict[str, Any] = {"actions": actions, "observation": form, "scenario": short}
    many = envs.make_vec("arena_v0", worlds=3, **options)
    check_against_singles(many, [ArenaEnv(**options) for _ in range(3)], ("clearance", "reached", "collided"))


def test_grid_worlds_are_single_environments_that_are_reset() -> None:
    options: dict[str, Any] = {"scenario": "maze", "robots": 8, "max_cycles": 11, "radius": 3}
    many = envs.make_vec("grid_v0", worlds=3, **options)
    check_against_singles(many, [GridEnv(**options) for _ in range(3)], ("goals", "blocked"))


def check_against_singles(many: Any, singles: list[Any], figures: tuple[str, ...]) -> None:
    many.action_space.seed(1)
    seen, _ = many.reset(seed=7)
    for b, env in enumerate(singles):
        compare(b, env.reset(seed=7 + b)[0], seen)
    ends = 0
    for _ in range(60):
        action = many.action_space.sample()
        seen, reward, terminated, truncated, infos = many.step(action)
        for b, env in enumerate(singles):
            own, gained, ended, cut, told = env.step(dict(zip(env.agents, action[b], strict=True)))
            assert list(gained.values()) == reward[b].tolist()
            assert set(ended.values()) == {bool(terminated[b])} and set(cut.values()) == {bool(truncated[b])}
            for name in figures:
                assert [one[name] for one in told.values()] == infos[name][b].tolist()
            if not env.agents:
                ends += 1
                last = infos["final_obs"][b]
                compare(0, own, {k: v[None] for k, v in last.items()} if isinstance(last, dict) else last[None])
                for name in figures:
                    assert [one[name] for one in told.values()] == infos["final_info"][name][b].tolist()
                own, _ = env.reset()
            compare(b, own, seen)
    assert ends > 6


@pytest.mark.parametrize("env", vectors(), ids=["arena", "grid"])
def test_seeds(env: Any) -> None:
    first, again = env.reset(seed=4)[0], env.reset(seed=4)[0]
    listed, other = env.reset(seed=[4, 5, 6, 7, 8])[0], env.reset(seed=5)[0]
    for one, two, three, four in zip(*map(parts, (first, again, listed, other)), strict=True):
        assert (one == two).all() and (one == three).all()
        assert (one[1:] == four[:-1]).all()
    assert any((one[0] != four[0]).any() for one, four in zip(parts(first), parts(other), strict=True))
    for wrong in ([1, 2], -1, 1.5, "a", [1, 2, 3, 4, "a"]):
        with pytest.raises(InputError, match="seed"):
            env.reset(seed=wrong)


def test_any_kind_of_seed_is_also_that_of_the_errors() -> None:
    env: Any = envs.make_vec("arena_v0", worlds=2, scenario="swap", errors=ErrorBounds(position=0.02))
    seen = [env.reset(seed=seed)[0]["ego"] for seed in (7, np.int64(7), [7, 8])]
    assert (seen[0] == seen[1]).all() and (seen[0] == seen[2]).all()


@pytest.mark.torch
def test_what_is_held_is_never_written_again() -> None:
    import torch

    env = envs.make_vec("arena_v0", worlds=4, scenario=short)
    env.action_space.seed(0)
    held = [env.reset(seed=0)[0]]
    copies = [{name: part.copy() for name, part in held[0].items()}]
    tensors = [torch.from_numpy(held[0]["edges"])]
    for _ in range(30):
        held.append(env.step(env.action_space.sample())[0])
        copies.append({name: part.copy() for name, part in held[-1].items()})
        tensors.append(torch.from_numpy(held[-1]["edges"]))
    del held  # the tensors alone hold their memory
    for _ in range(10):
        env.step(env.action_space.sample())
    for tensor, copy in zip(tensors, copies, strict=True):
        assert np.array_equal(tensor.numpy(), copy["edges"])


def test_memory_that_nobody_holds_is_used_again() -> None:
    env = envs.make_vec("arena_v0", worlds=4, scenario="clutter")
    env.reset(seed=0)
    places = set()
    for _ in range(20):
        seen, *_ = env.step(np.full((4, 8, 6), 0.5))
        places.add(seen["edges"].ctypes.data)
        del seen
    assert len(places) <= 2


@pytest.mark.torch
def test_float32_and_float64_actions_and_tensors_do_the_same() -> None:
    import torch

    one, two = (envs.make_vec("arena_v0", worlds=2, scenario=short) for _ in range(2))
    for env in (one, two):
        env.reset(seed=0)
    action = one.action_space.sample()
    assert (one.step(action)[1] == two.step(action.astype(np.float64))[1]).all()
    assert (one.step(torch.from_numpy(action))[1] == two.step(action)[1]).all()


@pytest.mark.filterwarnings("error")
def test_they_are_in_gymnasiums_registry() -> None:
    envs.register()
    envs.register()
    env = gymnasium.make_vec("swarm/arena-v0", num_envs=3, scenario=short, actions="control")
    assert env.num_envs == 3 and env.reset(seed=0)[0]["ego"].shape[:2] == (3, 4)
    grid = gymnasium.make_vec("swarm/grid-v0", num_envs=2, robots=3)
    assert grid.reset(seed=0)[0].shape[:2] == (2, 3)


def test_states_of_all_worlds() -> None:
    env: Any = envs.make_vec("arena_v0", worlds=3, scenario=short)
    env.reset(seed=2)
    for b in range(3):
        single = ArenaEnv(short)
        single.reset(seed=2 + b)
        assert (env.state()[b] == single.state()).all()


class WithGradient:
    """As a tensor of torch that requires a gradient."""

    def __array__(self, *_: object, **__: object) -> Any:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


def test_bad_input() -> None:
    for id, worlds, options in (
        ("bullet_v0", 2, {}), ("arena_v0", 0, {}), ("grid_v0", 0, {}), ("arena_v0", 2, {"actions": "torque"}),
        ("arena_v0", 2, {"observation": "picture"}), ("arena_v0", 2, {"max_cycles": 0}),
        ("arena_v0", 2, {"scenario": "nowhere"}), ("grid_v0", 2, {"scenario": "nowhere"}),
        ("arena_v0", 2, {"scenario": 3}), ("grid_v0", 2, {"scenario": 3}),
    ):  # fmt: skip
        with pytest.raises(InputError):
            envs.make_vec(id, worlds=worlds, **options)
    env, grid = vectors()
    for one in (env, grid):
        with pytest.raises(InputError, match="step: got 'no episode has begun'"):
            one.step(one.action_space.sample())
        one.reset(seed=0)
    for bad, said in (
        (np.zeros((5, 4, 2)), r"shape \[5, 4, 2\]"), (np.full((5, 4, 6), np.nan), "nan"),
        (WithGradient(), "detach"), ({"robot_0": 1}, "not 'dict'"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=rf"action: got .*{said}.* \[5, 4, 6\] numbers"):
            env.step(bad)
    for wrong in (np.full((5, 6), 5), np.zeros((5, 6)), np.zeros((5, 5), int)):
        with pytest.raises(InputError):
            grid.step(wrong)


@pytest.mark.parametrize("kind", list(Kind))
def test_no_collision_for_any_control(kind: Kind) -> None:
    env: Any = envs.make_vec(
        "arena_v0", worlds=6, actions="control",
        scenario=lambda rng: clutter.draw(rng, robots=8, obstacles=4, side=1.4, kind=kind, horizon=3.0),
    )  # fmt: skip
    env.reset(seed=int(kind))
    rng, moved, least = np.random.default_rng(0), 0.0, np.inf
    for step in range(150):
        if step % 20 == 0:
            push = np.sign(rng.uniform(-1.0, 1.0, (6, 8, 2)))  # as hard as they can, for a while in one direction
        action = np.where(rng.random((6, 1, 1)) < 0.5, push, rng.uniform(-1.0, 1.0, (6, 8, 2)))
        before = env.core.state[..., :2].copy()
        *_, infos = env.step(action)
        assert not infos["collided"].any()
        least, moved = min(least, infos["clearance"].min()), moved + np.abs(env.core.state[..., :2] - before).mean()
    assert least < 0.02 and moved > 0.2  # they drove, and came close
