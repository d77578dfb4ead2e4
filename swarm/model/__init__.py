"""What a robot is: how it moves, its body as the kernels read it, and the geometry between bodies."""
