"""Ways around the static obstacles of a continuous world, and around robots that stand in the way.

Keeping clear of robots that move is the business of the filter.
"""
