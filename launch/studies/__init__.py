"""What the scripts ``bench``, ``evaluate``, ``faults`` and ``report`` run; imported as ``studies``, never installed.

Nothing that a robot or a user's program needs belongs here.
"""
