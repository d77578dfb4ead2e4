"""What a robot sees and hears in one step: its view, its neighbours, and the messages of the others.

How messages travel, and whether they are believed, is the business of ``swarm.runtime``.
"""
