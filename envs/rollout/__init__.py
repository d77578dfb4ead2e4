"""Runs robot by robot: the same ``Robot`` objects as on real robots, in a world that answers them."""
