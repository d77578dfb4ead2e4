"""How exact a robot's body is, estimated from what it was told and what was measured: for ``errors:`` and ``limits:``.

A log becomes ``drive.Drive``; ``response`` computes what the model of ``swarm.model.actuators`` does under the same
commands; ``fit`` finds the dead time, lag and slip with which both agree best; ``calibrate`` joins all of it.
"""

from pathlib import Path

from swarm.kernel_cache import register_kernels

register_kernels("studies", Path(__file__).parents[1])
