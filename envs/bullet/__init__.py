"""Wheels and motors in a physics engine (``bullet_v0``), and the world that hosts the bodies of a fleet.

It judges what happened to the bodies; no robot reads anything else of it.
"""
