"""Families with places where one robot fits, and two cannot pass each other: doors, lanes, gaps in walls."""
