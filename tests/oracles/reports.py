"""Reports of a fleet of three, as bytes."""

from __future__ import annotations

from swarm.model.body import body_of
from swarm.model.dynamics import Kind, Limits
from swarm.runtime.fleet_file.roster import Peer
from swarm.runtime.link.report_codec import Report, encode
from swarm.sense.messages import Message

SPEED = 1.0
BODY = body_of(Kind.UNICYCLE, 0.3, Limits(SPEED, turn_rate=4.0), dt=0.05, sensing_radius=5.0)
ROSTER = {robot: Peer(Kind.UNICYCLE, BODY, (0.0, 0.0, 100.0, 100.0)) for robot in (1, 2, 3)}
PERIOD = 0.05


def report(robot=2, sequence=0, x=5.0, acks=(), incarnation=1, vx=0.0, clock=0, state_age=0.0, y=5.0, digest=0):
    message = Message(robot, clock * 1e-9, (x, y), 0.5, 0.5)
    state = (x, y, 0.0, vx, 0.0)
    return encode(
        Report(
            robot, incarnation, sequence, clock, state, state_age, (9.0, 9.0), True, False, tuple(acks), message,
            digest=digest,
        )
    )  # fmt: skip
