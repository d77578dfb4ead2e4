"""How good a follower is, beside other planners: the table of its card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from envs.grid.follower_team import FollowerTeam
from envs.grid.instances import examples
from envs.grid.run import TEAMS, GridRun, TeamMaker
from swarm.scenario.instances import LifelongInstance

FIRST_SEED = 5000
"""Of instances that nothing was trained on or chosen by."""
STEPS = 256
INSTANCES = {"random": 4, "mazes": 4, "rooms": 3, "warehouse": 1, "puzzles": 24}


def follower_table(
    folder: Path, instances: Mapping[str, int] = INSTANCES, track: Callable[[Iterable[str]], Iterable[str]] = iter
) -> str:
    """Markdown table of throughputs on drawn instances: this checkpoint, and the other planners.

    Args:
        folder: Checkpoint of a follower.
        instances: How many of each suite.
        track: Goes through the suites, and shows how far it is.
    """
    teams: dict[str, TeamMaker] = {"**follower**": lambda free, robots: FollowerTeam(free, robots, folder)}
    teams.update({name: TEAMS[name] for name in ("astar", "pibt")})
    lines = [
        f"Goals a step in {STEPS} steps, means over team sizes and drawn instances (seeds from {FIRST_SEED} on), the "
        "same for all.",
        "",
        "| suite (robots; instances) | " + " | ".join(teams) + " |",
        "|---" * (len(teams) + 1) + "|",
    ]
    for suite in track(instances):
        count = instances[suite]
        drawn = examples(suite, FIRST_SEED, count)
        rates = [np.mean([throughput(one, n, team) for one in drawn for n in one.counts]) for team in teams.values()]
        sizes = ", ".join(map(str, drawn[0].counts))
        lines.append(f"| {suite} ({sizes}; {count}) | " + " | ".join(f"{rate:.3f}" for rate in rates) + " |")
    return "\n".join(lines)


def throughput(instance: LifelongInstance, robots: int, make: TeamMaker) -> float:
    """Goals a step of one episode."""
    run = GridRun(instance, robots, make=make)
    for _ in range(STEPS):
        run.step()
    return float(run.batch.reached.sum()) / STEPS
