"""What is asked of a reward of a user's own, and what it sees."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from swarm.array_types import Array, Flags, Float32s, Int64s


class StepRecord(NamedTuple):
    """What happened to N robots of B worlds in one control period; to be read, not to be written or kept.

    Attributes:
        period: ``float64[B, 1]``, length of the control period [s].
        state_before: ``float64[B, N, 5]``: x, y [m], heading [rad], vx, vy [m/s], world frame.
        state: ``float64[B, N, 5]``, after the period.
        distance_before: ``float64[B, N]``, what was left of the way to the goal [m], by the planner's way.
        distance: ``float64[B, N]``, what is left of it after the period [m]; of the next goal, if there is one.
        closer: ``float64[B, N]``, by how much the robot has come closer to the goal that it had [m].
        fastest: ``float64[B, N]``, how far it can get in a period at top speed [m].
        clearance: ``float64[B, N]``, smallest gap to a robot or obstacle [m]; inf if nothing is there.
        action: ``float64[B, N, 6]`` in [0, 1], the tunables that were proposed.
        control: ``float64[B, N, 2]``, after the filter: velocity [m/s], acceleration [m/s²], or forward speed [m/s] and
            turn rate [rad/s].
        outcome: ``int64[B, N]``, of the filter: 0 optimal, 1 relaxed (rows gave way), 2 braking (shield stepped in).
        arrived: ``bool[B, N]``, whether a goal was reached in this period.
        reached: ``bool[B, N]``, whether the last goal has been reached.
        collided: ``bool[B, N]``, whether anything was touched in this period.
        done: ``bool[B, N]``, whether the robot's part was over before the period: what it gets does not count.
    """

    period: Array
    state_before: Array
    state: Array
    distance_before: Array
    distance: Array
    closer: Array
    fastest: Array
    clearance: Array
    action: Array
    control: Array
    outcome: Int64s
    arrived: Flags
    reached: Flags
    collided: Flags
    done: Flags


class Reward(Protocol):
    """A function of what happened in a period, for all robots of all worlds at once."""

    def __call__(self, step: StepRecord) -> Array | Float32s:
        """The rewards ``float64[B, N]`` or ``float32[B, N]``, finite numbers."""
        ...
