"""The report on lifelong multi-agent path finding, ``docs/lifelong_mapf.md``: measurements, pairs, pictures, text."""
