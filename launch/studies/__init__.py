"""What the scripts ``bench``, ``calibrate``, ``evaluate``, ``faults`` and ``report`` run; imported as ``studies``.

Never installed: nothing that a robot or a user's program needs belongs here.
"""

from pathlib import Path

from swarm.kernel_cache import register_kernels

register_kernels("studies", Path(__file__).parent)
