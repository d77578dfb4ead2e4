"""What the report on online CBFs measures: cases (worlds to draw), methods (who drives), checkpoints to compare."""

from __future__ import annotations

from dataclasses import dataclass, field

from studies.report.jobs import Record


@dataclass(frozen=True)
class Case:
    """A kind of worlds.

    Attributes:
        name: Short and unique.
        title: For tables.
        family: Its name in ``envs.scenarios``.
        options: Of the family's ``draw``; see ``studies.report.online_cbf.measurements.draw_of``.
        repeat: Times the usual number of episodes.
        episodes: Their number, where it does not go with the usual one.
        planner: Of the methods that have no roadmap of their own.
        like: The case whose fixed settings are used; itself if empty.
        lifelong: The work never ends: deliveries count, not arrivals.
    """

    name: str
    title: str
    family: str
    options: Record = field(default_factory=dict)
    repeat: float = 1.0
    episodes: int | None = None
    planner: str = "straight"
    like: str = ""
    lifelong: bool = False

    @property
    def drawn(self) -> Record:
        """Family and options, for the jobs."""
        return {"family": self.family, "options": self.options}


@dataclass(frozen=True)
class Method:
    """Who drives.

    Attributes:
        title: For tables.
        rule: ``fixed`` or a hand rule, with the settings that ``setting`` names; empty: a checkpoint.
        setting: ``best`` of the case, best ``single``, ``bold`` (for the nominal control as it is), or ``chosen`` for
            a rule: the best of several on the episodes of the sweep.
        checkpoint: Name of the checkpoint.
        roadmap: Whether it follows a roadmap.
        filtered: Whether the filter is on.
        alone: The network alone, without the way out that it is deployed with.
    """

    title: str
    rule: str = ""
    setting: str = ""
    checkpoint: str = ""
    roadmap: bool = False
    filtered: bool = True
    alone: bool = False


@dataclass(frozen=True)
class Checkpoint:
    """A training to compare with; ``group`` says in which table, ``shared`` that robots act on the team's mean."""

    name: str
    title: str
    group: str
    shared: bool = False


BOLD = (20.0, 1.0, 20.0, 1.0)
# Settings that a hand rule may have, besides the best fixed one of the case and the best single one.
RULE_SETTINGS = (BOLD, (6.0, 1.0, 6.0, 1.0), (2.0, 1.0, 2.0, 1.0))

NO_FILTER = Method("no filter", "fixed", "bold", filtered=False)
BEST = Method("best fixed, per family", "fixed", "best")
SINGLE = Method("best single fixed", "fixed", "single")
RANDOM = Method("random rotation", "random_rotation", "chosen")
WALL = Method("wall following", "wall_following", "chosen")
CLASS_K = Method("online, class-K alone", checkpoint="class_k")
ALONE = Method("online, network alone", checkpoint="tuner", alone=True)
ONLINE = Method("**online**", checkpoint="tuner")
BEST_ROADMAP = Method("best fixed + roadmap", "fixed", "best", roadmap=True)
ROADMAP = Method("**online + roadmap**", checkpoint="tuner", roadmap=True)
METHODS = (NO_FILTER, BEST, SINGLE, RANDOM, WALL, CLASS_K, ALONE, ONLINE, BEST_ROADMAP, ROADMAP)
HAND_RULES = (RANDOM, WALL)
TEAM_METHODS = (BEST, ONLINE, ROADMAP)

KINDS = {
    "single": ("single integrator", {"kind": "single_integrator"}),
    "double": ("double integrator, 10 m/s²", {"kind": "double_integrator"}),
    "slow": ("double integrator, 1 m/s²", {"kind": "double_integrator", "limits": "slow"}),
    "unicycle": ("unicycle", {"kind": "unicycle"}),
}
"""The dynamics of the GCBF+ protocol: title, and options of ``clutter``."""

PROTOCOL = tuple(
    Case(f"clutter_{name}", f"clutter, {title}", "clutter", options, repeat=5.0)
    for name, (title, options) in KINDS.items()
)
CROWDED = tuple(
    Case(f"crowd_{name}", f"32 robots, {title}", "clutter", {**options, "robots": 32}, like=f"clutter_{name}")
    for name, (title, options) in KINDS.items()
)
FAMILIES = (
    Case("swap", "swap, 8 robots", "swap"),
    Case("swap_32", "swap, 32 robots", "swap", {"robots": 32}),
    Case("crossing", "crossing, 8 robots", "crossing"),
    Case("doorway", "doorway, 4 robots", "doorway"),
    Case("merge", "merge, 2 robots", "merge"),
    Case("door_swap", "door swap, 2 robots", "door_swap"),
    Case("corridor", "corridor with alcove, 2 robots", "corridor"),
    *PROTOCOL,
    Case("moving", "moving obstacles and rude robots, 8 robots and 4 others", "moving"),
    Case("mixed", "mixed dynamics, radii and limits, 8 robots", "mixed"),
    Case("open", "open floor, 8 robots of mixed radius and speed", "open", repeat=5.0),
    Case("dense", "dense team, 64 robots", "dense"),
    Case(
        "warehouse",
        "lifelong warehouse, 16 carts, 40 s",
        "warehouse",
        {"robots": 16, "horizon": 40.0},
        planner="roadmap",
        lifelong=True,
    ),
)


def _team(robots: int, usual: int) -> Record:
    """Options for a team size; none for the family's usual one, which the main tables have measured already."""
    return {} if robots == usual else {"robots": robots}


DENSE_SIZES = {64: 100, 128: 32, 256: 12, 512: 6, 1024: 4}
"""Team sizes at constant density, and how many episodes."""
DENSE = tuple(
    Case(f"dense_{robots}", f"{robots}", "dense", _team(robots, 64), episodes=episodes, like="dense")
    for robots, episodes in DENSE_SIZES.items()
)
OPEN_SIZES = (2, 3, 4, 6, 8, 10)
OPEN = tuple(
    Case(f"open_{robots}", f"{robots}", "open", _team(robots, 8), repeat=5.0, like="open") for robots in OPEN_SIZES
)

SHORT = "short"
"""The checkpoint that differs from the tuner in the length of its training alone: as short as those to compare."""
CHECKPOINTS = (
    Checkpoint("class_k", "class-K alone (gains and powers), a long training of its own", "tunables"),
    Checkpoint("class_k_short", "class-K alone", "tunables"),
    Checkpoint("class_k_speed", "class-K + speed", "tunables"),
    Checkpoint("class_k_rotation", "class-K + rotation", "tunables"),
    Checkpoint(SHORT, "all of it, 1 round, as short", "tunables"),
    Checkpoint("no_neighbours", "no neighbours", "ablation"),
    Checkpoint("no_obstacles", "no obstacles", "ablation"),
    Checkpoint("no_power", "no power", "ablation"),
    Checkpoint("shared", "shared instead of per-robot parameters", "ablation", shared=True),
    Checkpoint("rounds_0", "0 rounds: only what is sensed", "rounds"),
    Checkpoint("rounds_2", "2 rounds", "rounds"),
    Checkpoint("seed_2", "seed 2", "seeds"),
    Checkpoint("seed_3", "seed 3", "seeds"),
)
"""Folders under ``policies/checkpoints/ablations``; those that are not there are left out."""
COMPARED = ("clutter_single", "clutter_double", "clutter_unicycle", "swap", "doorway", "merge", "door_swap")
"""Cases on which checkpoints are compared."""
PICTURED = ("clutter_double", "swap", "crossing", "doorway", "merge", "corridor")
"""Cases of which there are pictures."""
MEETING = ("merge", "door_swap", "corridor")
"""Cases in which two robots meet; the first that online solves is drawn over time."""
TIMED = (8, 64, 1024)
"""Team sizes whose decisions are timed."""
