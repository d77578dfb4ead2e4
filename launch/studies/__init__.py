"""What the scripts ``bench``, ``calibrate``, ``evaluate``, ``faults`` and ``report`` run; imported as ``studies``.

Never installed: nothing that a robot or a user's program needs belongs here.
"""
