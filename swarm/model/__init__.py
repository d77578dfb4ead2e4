"""What a robot is: how it moves, its body as the kernels read it, and the geometry between bodies.

Nothing here knows of other robots' intentions, of maps, or of files.
"""
