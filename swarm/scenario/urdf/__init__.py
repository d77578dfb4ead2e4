"""What a URDF file says of a robot that this stack drives: its disc, its wheels, and how fast they turn.

Read without a physics engine: a deployed robot needs no more than the file and the meshes that it collides with.
"""
