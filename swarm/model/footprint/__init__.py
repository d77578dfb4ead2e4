"""The outline of a robot that is no disc: a convex polygon that turns with it.

How files say it (keys), what makes a list of corners an outline, and where outlines overlap. Kernels are elsewhere.
"""
