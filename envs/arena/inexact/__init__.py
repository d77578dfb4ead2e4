"""Worlds that are not exact: what robots believe of themselves and of others, and how their bodies really move.

Time runs in sub-steps, ``arrays.CHECKS`` a period: so old may a state be, and so often are gaps looked at. The errors
themselves are drawn in ``envs.arena.errors``; how robots decide is not its business (``envs.arena.stepping``).
"""
