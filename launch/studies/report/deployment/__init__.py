"""The report on deployment."""
