"""What disposes: the tunables become rows of a quadratic program, and a shield stands behind it.

The guarantee of the control layer is in ``swarm.filter.safety`` alone. Who chose the tunables is not its business.
"""
