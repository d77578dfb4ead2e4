"""Ways that a car can drive: arcs no tighter than its tightest one and straight lines, forward and backwards."""
