"""What goes between the processes of a fleet, and who is believed: bytes, rings, acknowledgements, the emergency stop.

What follows for planning and driving is in ``swarm.runtime.belief``.
"""
