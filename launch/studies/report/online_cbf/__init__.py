"""The report on online control barrier functions."""
