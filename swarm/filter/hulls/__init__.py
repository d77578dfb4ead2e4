"""Stop hulls: convex sets that hold a robot and its way to rest, lines between them, and the shield that keeps those.

Not its business: exact discs that stop along a straight line (``swarm.filter.shield``).
"""
