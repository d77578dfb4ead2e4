"""Ways around the static obstacles of a continuous world."""
