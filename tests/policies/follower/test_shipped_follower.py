"""The follower that ships: found by its name, and better than its path and priority inheritance alone."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from envs.commands.evaluation.follower_table import throughput
from envs.commands.evaluation.grid import Grid
from envs.grid.follower_team import FollowerTeam
from envs.grid.instances import examples
from envs.grid.run import GridRun, team_of
from swarm.errors import InputError
from swarm.planning.follower.view import FORWARD, OWN_COST, WALL
from swarm.scenario.instances import save_instances


class Untrained:
    """Scores before any training: along the path, else where little is lost."""

    temperature = 0.0

    def __call__(self, view, own):
        costs = own[:, OWN_COST : OWN_COST + 5]
        scores = -costs - 30.0 * (costs >= WALL)
        scores[:, FORWARD] += 2.0
        return scores


# Measured with these instances: puzzles 0.60 (untrained 0.13), mazes 1.72 (0.93), random 2.59 (2.44).
@pytest.mark.parametrize(
    "suite, instances, robots, least, gain",
    [("puzzles", 10, 3, 0.45, 2.0), ("mazes", 6, 48, 1.5, 1.3), ("random", 6, 48, 2.3, 1.0)],
)
def test_training_pays_on_instances_that_it_has_not_seen(suite, instances, robots, least, gain):
    drawn = examples(suite, 3000, instances)
    trained = np.mean([throughput(one, robots, FollowerTeam) for one in drawn])
    untrained = partial(FollowerTeam, ranker=Untrained())
    alone = np.mean([throughput(one, robots, untrained) for one in drawn])
    assert trained > max(least, gain * alone)


def test_the_same_episode_comes_out_the_same_and_conflicts_are_rare():
    runs = [GridRun(examples("mazes", 3000, 1)[0], 32, "follower") for _ in range(2)]
    for run in runs:
        for _ in range(64):
            run.step()
    np.testing.assert_array_equal(runs[0].track, runs[1].track)
    assert runs[0].batch.blocked[0].sum() < 0.02 * 64 * 32


def test_a_checkpoint_of_ones_own_is_a_planner_and_others_are_refused(tmp_path):
    save_instances(tmp_path / "one.jsonl", examples("puzzles", 0, 1))
    assert Grid((tmp_path / "one.jsonl",), planner=f"follower:{tmp_path}").planner.startswith("follower:")
    with pytest.raises(InputError, match="follower:FOLDER"):
        team_of("follower:")
    with pytest.raises(InputError, match="checkpoint folder"):
        GridRun(examples("puzzles", 0, 1)[0], 2, f"follower:{tmp_path}")
