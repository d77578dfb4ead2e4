"""Worlds that followers are trained in, and followers as a team of an episode."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.mapf import violations

from envs.grid.batch import GridBatch
from envs.grid.episode import draw_episode
from envs.grid.follower_team import FollowerTeam
from envs.grid.follower_worlds import KINDS, LIMIT, REWARD, SHARED, FollowerWorlds, Slot, shared
from envs.grid.instances import examples
from envs.grid.maps import puzzle_map
from swarm.errors import InputError
from swarm.planning.follower.view import FORWARD, OWN_COST, WALL


@pytest.fixture(autouse=True)
def few_worlds(monkeypatch):
    monkeypatch.setitem(KINDS, "puzzles", Slot(puzzle_map, (2, 3, 4, 4)))


class Along:
    """Scores of a robot that follows its path, and otherwise goes where little is lost."""

    temperature = 0.5

    def __call__(self, view, own):
        costs = own[:, OWN_COST : OWN_COST + 5]
        scores = -costs - 20.0 * (costs >= WALL)
        scores[:, FORWARD] += 2.0
        return scores


def drawn(rng, n):
    return np.argsort(rng.random((n, 5)), axis=1).astype(np.int8)


def test_worlds_go_on_exactly_where_they_were_left():
    first, second = FollowerWorlds(3, ("puzzles",)), FollowerWorlds(3, ("puzzles",))
    rng = np.random.default_rng(0)
    for _ in range(LIMIT // 8):
        first.step(drawn(rng, len(first.own)))
    second.load_state_dict(first.state_dict())
    np.testing.assert_array_equal(first.view, second.view)
    for _ in range(20):
        ranking = drawn(rng, len(first.own))
        (reward, cut, episodes), (other, same, figures) = first.step(ranking), second.step(ranking)
        np.testing.assert_array_equal(reward, other)
        np.testing.assert_array_equal(cut, same)
        np.testing.assert_array_equal(first.view, second.view)
        np.testing.assert_array_equal(first.own, second.own)
        assert episodes == figures


def test_every_world_ends_once_in_so_many_steps_and_begins_on_another_map():
    worlds = FollowerWorlds(1, ("puzzles",))
    maps = [world.batch.free[0].tobytes() for world in worlds.worlds]
    rng, ended = np.random.default_rng(1), np.zeros(len(worlds.own), int)
    for _ in range(LIMIT):
        ended += worlds.step(drawn(rng, len(worlds.own)))[1]
    assert (ended == 1).all()
    assert sum(one != world.batch.free[0].tobytes() for one, world in zip(maps, worlds.worlds, strict=True)) >= 3


def test_reward_is_shared_by_those_who_are_near():
    cells = np.array([[0, 0], [0, SHARED], [0, 2 * SHARED + 1], [9, 9]])
    found = shared(cells, np.array([1.0, 0.0, 0.0, 1.0], np.float32))
    np.testing.assert_allclose(found, [0.5, 0.5, 0.0, 1.0])


def test_only_cells_nearer_than_ever_are_paid():
    """Four robots for a hundred steps: what is paid is what comes nearer, and going back and forth is not."""
    world, rng = FollowerWorlds(5, ("puzzles",)).worlds[2], np.random.default_rng(0)
    robots, best, goals = np.arange(world.robots), np.full(world.robots, np.inf), None
    paid = again = 0
    for _ in range(100):
        world.team.plan(world.batch.cells[0], world.batch.goals[0])
        fields, wanted, goals = world.team._fields.copy(), world.team.next_cells(), world.batch.goals[0].copy()
        best = np.minimum(best, fields[robots, world.team.ground.flat(world.batch.cells[0])])
        reward, _ = world.step(drawn(rng, world.robots))
        left = fields[robots, world.team.ground.flat(world.batch.cells[0])]
        followed = (world.batch.cells[0] == wanted).all(axis=1)
        expected = shared(world.batch.cells[0], np.where(followed & (left < best), REWARD, 0.0).astype(np.float32))
        np.testing.assert_allclose(reward, expected, atol=1e-7)
        paid, again = paid + (reward > 0).sum(), again + (followed & ~(left < best)).sum()
        best[(goals != world.batch.goals[0]).any(axis=1)] = np.inf
    assert paid > 10 and again > 10


def test_unknown_kinds_are_refused():
    with pytest.raises(InputError, match="kind of worlds"):
        FollowerWorlds(0, ("swamp",))


@pytest.mark.parametrize("suite, robots", [("mazes", 32), ("puzzles", 3)])
def test_a_team_moves_without_conflict_and_reaches_goals(suite, robots):
    instance = examples(suite, 7, 1)[0]
    batch = GridBatch([draw_episode(instance, robots, np.random.default_rng(0))])
    team, track = FollowerTeam(batch.free[0], robots, Along()), [batch.cells[0].copy()]
    fresh = np.ones(robots, np.bool_)
    for _ in range(100):
        (fresh,) = batch.step(team.moves(batch.cells[0], batch.goals[0], fresh)[None])
        track.append(batch.cells[0].copy())
    targets = [[tuple(cell) for cell in cells.tolist()] for cells in instance.targets[:robots]]
    assert violations(instance.grid.rows, track, instance.starts[:robots], targets, batch.reached[0].tolist()) == []
    assert batch.reached[0].sum() >= robots
    assert batch.blocked[0].sum() < 0.05 * 100 * robots  # local knowledge hardly ever contradicts
