"""What ``launch/bench.py`` measures: one file a benchmark; each gives figures by name and unit."""
