"""What proposes the tunables of the filter: networks, fixed settings, hand-written heuristics.

No proposal has to be safe: the filter is, for any of them. Training is in ``policies.tuner``.
"""
