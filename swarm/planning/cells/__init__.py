"""Cells of a grid map that continuous robots take before they enter them: one-lane aisles, each robot for itself.

How a robot drives inside its cells is not its business.
"""
