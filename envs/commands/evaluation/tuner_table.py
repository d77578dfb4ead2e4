"""How good a tuner is, beside other policies: the table of its card."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from envs.arena.core import ArenaCore
from envs.arena.training.held_out import FAMILIES, FIRST_SEED
from policies.tuner import checkpoint
from policies.tuner.evaluate import Policy, always, by_tuner, evaluate_policy
from policies.tuner.network import Tuner
from swarm.filter.tunables import MIDDLE, encode
from swarm.tune.heuristics import Recovery


def tuner_table(
    folder: Path, episodes: int = 100, track: Callable[[Iterable[str]], Iterable[str]] = iter
) -> str:  # fmt: skip
    """Markdown table of a finished checkpoint, next to other policies, on scenarios that it was not trained on.

    Args:
        folder: The checkpoint.
        episodes: Of each family.
        track: Goes through the families, and shows how far it is.
    """
    tuner, _ = checkpoint.load_and_run(folder)
    policies: dict[str, Policy] = {
        "middle of the box": always(MIDDLE),
        "untrained": by_tuner(Tuner()),
        "gain 6, power 1, straight": always(encode(np.array([6.0, 1.0, 6.0, 1.0, 0.0, 1.0]))),
        "**trained**": by_tuner(tuner),
        "**trained, with the way out**": Recovery(by_tuner(tuner)),
    }
    lines = [
        f"Success (safe and at the goal) in %, and mean time to the goal in s; {episodes} episodes of each family, "
        "straight to the goal without a planner, the same episodes for all.",
        "",
        "| family | " + " | ".join(policies) + " |",
        "|---" * (len(policies) + 1) + "|",
    ]
    for family in track(FAMILIES):
        draw, cells = FAMILIES[family], []
        for policy in policies.values():
            figures = evaluate_policy(ArenaCore(draw, worlds=episodes, seed=FIRST_SEED), policy, episodes)
            collided = f", {figures['collisions']:.2f} collisions" if figures["collisions"] else ""
            cells.append(f"{100.0 * figures['success']:.1f} / {figures['time']:.2f}{collided}")
        lines.append(f"| {family} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
