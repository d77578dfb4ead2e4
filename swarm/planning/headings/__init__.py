"""Ways of robots that are no discs, over (cell, heading): which headings fit where, and where there is room to turn.

Not its business: keeping bodies apart, which is the filter's, and who goes first (``swarm.planning.passages``).
"""
