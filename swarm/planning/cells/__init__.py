"""Cells of a grid map that continuous robots take before they enter them."""
