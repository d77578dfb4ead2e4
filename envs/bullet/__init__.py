"""Wheels and motors in a physics engine (``bullet_v0``), and the world that hosts the bodies of a fleet."""
