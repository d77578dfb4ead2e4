"""What a policy reads: relative quantities in the robot's own frame, as fixed-size masked arrays.

The frame has its origin at the robot and its x axis towards the waypoint, so that nothing changes when the world is
moved or turned. Lengths are in sensing radii, speeds in top speeds. Neighbours come first, then obstacles; each is
one edge of the neighbourhood graph, and empty slots are masked.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from swarm.array_types import Array, Flags, Float32s, Int32s, Int64s
from swarm.errors import InputError
from swarm.kernel_cache.references import inlined
from swarm.model.body import (
    ACCELERATION,
    DELAY,
    ERROR,
    LATENCY,
    LOSS,
    MARGIN,
    PERIOD,
    RADIUS,
    SENSED,
    SENSING,
    TOP_SPEED,
    TURN_RATE,
)
from swarm.model.dynamics import DOUBLE_INTEGRATOR, SINGLE_INTEGRATOR, UNICYCLE
from swarm.model.geometry import length
from swarm.sense.neighbours import (
    N_ID,
    N_INTENT_X,
    N_INTENT_Y,
    N_RADIUS,
    N_ROTATION,
    N_SPEED,
    N_VX,
    N_VY,
    N_X,
    N_Y,
    O_GAP,
    O_NX,
    O_NY,
    Around,
)
from swarm.tune.memory import LEAST, WAITED

# Columns of the robot's own features, float32[EGO]: distance to the waypoint, way left to the goal (its logarithm),
# velocity, direction in which the robot looks, its kind (1 in one of three), radius, way in ten periods, braking
# distance, turn rate, speed, the last action (six columns, each as -1 to 1), how much farther from the goal it is than
# it has been (in sensing radii), and for how long it has not come nearer (in times to cross ten sensing radii; it
# starts again from 0 then, so that a robot that is stuck does not see the same for ever and do the same for ever).
# Then what is declared as not exact, 0 where nothing is, below 1 in any case: the margin that the bounds ask for (half
# at a tenth of the radius), the age of the own state together with the time until a command acts, and the age of news
# (each half where a robot at top speed goes as far as its radius), and the share of messages that are lost. Networks
# of before that (``policies.tuner.neighbourhood``) take the first EGO_EXACT columns.
EGO, EGO_EXACT = 26, 22
EGO_DISTANCE, EGO_REMAINING, EGO_VX, EGO_VY, EGO_HEADING_X, EGO_HEADING_Y = range(6)
EGO_SINGLE_INTEGRATOR, EGO_DOUBLE_INTEGRATOR, EGO_UNICYCLE = range(6, 9)
EGO_RADIUS, EGO_PERIOD, EGO_BRAKING, EGO_TURN_RATE, EGO_SPEED = range(9, 14)
EGO_ACTION, EGO_LOST, EGO_STUCK = 14, 20, 21
EGO_ERROR, EGO_DELAY, EGO_LATENCY, EGO_LOSS = range(EGO_EXACT, EGO)

# Columns of an edge, float32[EDGE]: whether it is a robot or an obstacle (1 in one of two), place, gap between the
# surfaces, relative velocity; then of a robot its direction of travel, its last rotation and speed tunables (as -1 to
# 1) and its radius; of an obstacle how far it reaches to the right and to the left of the course; and whether the
# robot's id is the higher one (1) or the lower one (-1).
EDGE = 15
EDGE_IS_ROBOT, EDGE_IS_OBSTACLE, EDGE_X, EDGE_Y, EDGE_GAP, EDGE_VX, EDGE_VY = range(7)
EDGE_INTENT_X, EDGE_INTENT_Y, EDGE_ROTATION, EDGE_SPEED, EDGE_RADIUS = range(7, 12)
EDGE_RIGHT, EDGE_LEFT, EDGE_HIGHER_ID = range(12, EDGE)
# Those that are told, not sensed; of two robots in the same situation the ids alone tell one from the other.
EDGE_TOLD = (EDGE_INTENT_X, EDGE_INTENT_Y, EDGE_ROTATION, EDGE_SPEED, EDGE_HIGHER_ID)
# Distance, in sensing radii, from which on an intent counts as "that way" with full length.
_INTENT_SCALE = 0.2


class Observation(NamedTuple):
    """The observation of robots with any leading dimensions.

    Attributes:
        ego: ``float32[..., EGO]``.
        edges: ``float32[..., K + M, EDGE]``.
        mask: ``bool[..., K + M]``, True where an edge exists.
        sender: ``int32[..., K + M]``, the neighbour's id if it has been heard one period ago, else -1; for
            controllers that take further messages into account (None from sources that have no ids).
    """

    ego: Float32s
    edges: Float32s
    mask: Flags
    sender: Int32s | None = None


def rows(observation: Observation) -> tuple[Float32s, Float32s, Flags]:
    """The robots one below the other, as kernels take them: ego ``[n, EGO]``, edges ``[n, P, EDGE]``, mask ``[n, P]``.

    Contiguous; copies only if the observation is not.
    """
    count = math.prod(observation.ego.shape[:-1])
    ego, edges = (np.ascontiguousarray(part, np.float32) for part in (observation.ego, observation.edges))
    mask = np.ascontiguousarray(observation.mask)
    return (
        ego.reshape(count, ego.shape[-1]), edges.reshape(count, *edges.shape[-2:]), mask.reshape(count, mask.shape[-1])
    )  # fmt: skip


def senders(observation: Observation) -> Int64s:
    """For robots ``[..., N]`` counted through as n rows: who was heard in their slots, as rows ``[n, P]``; -1 for none.

    Raises:
        InputError: If the observation does not say.
    """
    if observation.sender is None:
        raise InputError("observation.sender", None, "ids of those who were heard, for two rounds of messages")
    robots, slots = observation.sender.shape[-2:]
    sender = observation.sender.reshape(-1, robots, slots).astype(np.int64)
    first = np.arange(0, len(sender) * robots, robots)[:, None, None]
    return np.where(sender < 0, -1, first + sender).reshape(-1, slots)


@inlined
def _observe_ego(
    kind: int, state: Array, body: Array, distance: float, remaining: float, c: float, s: float, memory: Array,
    last_action: Array, ego: Float32s,
) -> None:  # fmt: skip
    sensing, top = body[SENSING], body[TOP_SPEED]
    ego[EGO_DISTANCE] = min(distance / sensing, 1.0)
    ego[EGO_REMAINING] = min(math.log1p(remaining / sensing) / 3.0, 1.0)
    ego[EGO_VX] = (c * state[3] + s * state[4]) / top
    ego[EGO_VY] = (c * state[4] - s * state[3]) / top
    hx, hy = (math.cos(state[2]), math.sin(state[2])) if kind == UNICYCLE else (c, s)
    ego[EGO_HEADING_X], ego[EGO_HEADING_Y] = c * hx + s * hy, c * hy - s * hx
    ego[EGO_SINGLE_INTEGRATOR] = 1.0 if kind == SINGLE_INTEGRATOR else 0.0
    ego[EGO_DOUBLE_INTEGRATOR] = 1.0 if kind == DOUBLE_INTEGRATOR else 0.0
    ego[EGO_UNICYCLE] = 1.0 if kind == UNICYCLE else 0.0
    ego[EGO_RADIUS] = body[RADIUS] / sensing
    ego[EGO_PERIOD] = 10.0 * top * body[PERIOD] / sensing
    ego[EGO_BRAKING] = 0.5 * top * top / body[ACCELERATION] / sensing if kind == DOUBLE_INTEGRATOR else 0.0
    ego[EGO_TURN_RATE] = min(0.1 * body[TURN_RATE] * sensing / top, 1.0) if kind == UNICYCLE else 0.0
    ego[EGO_SPEED] = length(state[3], state[4]) / top
    for k in range(last_action.size):
        ego[EGO_ACTION + k] = 2.0 * last_action[k] - 1.0
    known = remaining < math.inf and memory[LEAST] < math.inf  # nothing is remembered of a goal just given
    ego[EGO_LOST] = min((remaining - memory[LEAST]) / sensing, 1.0) if known else 0.0
    ego[EGO_STUCK] = (0.1 * memory[WAITED] * top / sensing) % 1.0
    ego[EGO_ERROR] = _share(10.0 * (body[ERROR] + body[SENSED]) / body[RADIUS])
    ego[EGO_DELAY] = _share(body[DELAY] * top / body[RADIUS])
    ego[EGO_LATENCY] = _share(body[LATENCY] * top / body[RADIUS])
    ego[EGO_LOSS] = body[LOSS]


@inlined
def _share(amount: float) -> float:
    """0 or more as 0 to 1, half at 1."""
    return amount / (1.0 + amount)


@inlined
def _observe_robot(state: Array, body: Array, robot_id: int, other: Array, c: float, s: float, edge: Float32s) -> None:
    sensing, top = body[SENSING], body[TOP_SPEED]
    dx, dy = other[N_X] - state[0], other[N_Y] - state[1]
    edge[EDGE_IS_ROBOT] = 1.0
    edge[EDGE_X], edge[EDGE_Y] = (c * dx + s * dy) / sensing, (c * dy - s * dx) / sensing
    edge[EDGE_GAP] = (length(dx, dy) - body[RADIUS] - other[N_RADIUS] - 2.0 * body[MARGIN]) / sensing
    vx, vy = other[N_VX] - state[3], other[N_VY] - state[4]
    edge[EDGE_VX], edge[EDGE_VY] = (c * vx + s * vy) / top, (c * vy - s * vx) / top
    ix, iy = other[N_INTENT_X] - other[N_X], other[N_INTENT_Y] - other[N_Y]
    scale = 1.0 / max(length(ix, iy), _INTENT_SCALE * sensing)
    edge[EDGE_INTENT_X], edge[EDGE_INTENT_Y] = (c * ix + s * iy) * scale, (c * iy - s * ix) * scale
    edge[EDGE_ROTATION], edge[EDGE_SPEED] = 2.0 * other[N_ROTATION] - 1.0, 2.0 * other[N_SPEED] - 1.0
    edge[EDGE_RADIUS] = other[N_RADIUS] / sensing
    if other[N_ID] >= 0.0:
        edge[EDGE_HIGHER_ID] = 1.0 if other[N_ID] > robot_id else -1.0


@inlined
def _observe_obstacle(state: Array, body: Array, obstacle: Array, c: float, s: float, edge: Float32s) -> None:
    """Nearest point, gap, own velocity, and how far the obstacle reaches to the left and right of the course."""
    sensing, top = body[SENSING], body[TOP_SPEED]
    gap, nx, ny = obstacle[O_GAP], obstacle[O_NX], obstacle[O_NY]
    edge[EDGE_IS_OBSTACLE] = 1.0
    edge[EDGE_X], edge[EDGE_Y] = -gap * (c * nx + s * ny) / sensing, -gap * (c * ny - s * nx) / sensing
    edge[EDGE_GAP] = (gap - body[RADIUS] - body[MARGIN]) / sensing
    edge[EDGE_VX], edge[EDGE_VY] = -(c * state[3] + s * state[4]) / top, -(c * state[4] - s * state[3]) / top
    dx, dy = obstacle[0] - state[0], obstacle[1] - state[1]
    middle = c * dy - s * dx
    if obstacle[6] != 0.0:  # the course in the frame of a turned box
        c, s = c * obstacle[5] + s * obstacle[6], s * obstacle[5] - c * obstacle[6]
    half = abs(s) * obstacle[2] + abs(c) * obstacle[3] + obstacle[4]
    edge[EDGE_RIGHT] = min(max((middle - half) / sensing, -1.0), 1.0)
    edge[EDGE_LEFT] = min(max((middle + half) / sensing, -1.0), 1.0)


@inlined
def observe(
    kind: int, state: Array, body: Array, robot_id: int, waypoint: Array, remaining: float, around: Around,
    memory: Array, last_action: Array, seen: Observation,
) -> None:  # fmt: skip
    """Write the observation of one robot.

    Args:
        kind: A value of ``Kind``.
        state: ``float64[5]``.
        body: ``float64[BODY]``, see ``swarm.model.body``.
        robot_id: Of the robot itself.
        waypoint: ``float64[2]``, world [m].
        remaining: Metres to where the robot should come to rest.
        around: Neighbours and obstacles that it senses.
        memory: ``float64[2]``, see ``swarm.tune.memory``.
        last_action: ``float64[6]`` in [0, 1], the tunables of the last step.
        seen: Written, all but ``sender``; P at least K + M slots, obstacles from slot P - M on.
    """
    dx, dy = waypoint[0] - state[0], waypoint[1] - state[1]
    distance = length(dx, dy)
    c, s = (dx / distance, dy / distance) if distance > 1e-9 else (math.cos(state[2]), math.sin(state[2]))
    _observe_ego(kind, state, body, distance, remaining, c, s, memory, last_action, seen.ego)
    edges, mask = seen.edges, seen.mask
    edges[:] = 0.0
    mask[:] = False
    for k in range(around.num_neighbours):
        mask[k] = True
        _observe_robot(state, body, robot_id, around.neighbours[k], c, s, edges[k])
    first = mask.size - around.obstacles.shape[0]
    for k in range(around.num_obstacles):
        mask[first + k] = True
        _observe_obstacle(state, body, around.obstacles[k], c, s, edges[first + k])
