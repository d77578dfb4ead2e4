"""One robot's mind: what joins the rooms of the five steps, sense, plan, tune, filter, act.

How each step works is the business of the rooms below; where views come from and commands go, of those above.
"""

from swarm.robot.command import Command
from swarm.robot.robot import Robot

__all__ = ["Command", "Robot"]
