"""Where a robot goes out of the way of others.

Not here: for whom it does (``pushers``, ``giving_way``), and the search (``search``).
"""
