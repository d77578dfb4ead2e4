"""What the people use who run a fleet: its processes, the table, the browser page, the emergency stop.

Robots need nothing of it, and drive on when it ends. It is given the command lines of what it starts.
"""
