"""What an action of the continuous environments is: tunables of the filter, or a control in their place."""

from __future__ import annotations

from swarm.array_types import Array
from swarm.errors import InputError
from swarm.filter.tunables import COUNT
from swarm.model.body import ACCELERATION, TOP_SPEED, TURN_RATE
from swarm.model.dynamics import DOUBLE_INTEGRATOR, UNICYCLE

TUNED, CONTROLLED, FREE = "tunables", "control", "free"
ACTIONS = (TUNED, CONTROLLED, FREE)
"""What an action is.

* ``tunables``: the six tunables of ``swarm.filter.tunables``, in [0, 1].
* ``control``: two numbers in [-1, 1], shares of the robot's limits: of a single integrator its velocity along x and y,
  of a double integrator its acceleration along x and y, of a unicycle forward speed and turn rate. They take the place
  of the nominal control: QP and shield let pass the nearest control that is safe, with the boldest barriers.
* ``free``: the same controls without rows and lines for robots and obstacles, for research: then there are collisions,
  and they are counted. Actuators and the bounds of the world still hold.
"""


def action_size(actions: str) -> int:
    """How many numbers an action has.

    Raises:
        InputError: If there is no such kind of action.
    """
    if actions not in ACTIONS:
        raise InputError("actions", actions, ", ".join(ACTIONS))
    return COUNT if actions == TUNED else 2


def full_control(kind: int, body: Array) -> tuple[float, float]:
    """The largest control of a robot, which an action (1, 1) stands for."""
    if kind == UNICYCLE:
        return body[TOP_SPEED], body[TURN_RATE]
    most = body[ACCELERATION] if kind == DOUBLE_INTEGRATOR else body[TOP_SPEED]
    return most, most
