"""Runs robot by robot: the same ``Robot`` objects as on real robots, in a world that answers them.

Scores, records and logs of such runs are here too; worlds in batches are in ``envs.arena`` and ``envs.grid``.
"""
