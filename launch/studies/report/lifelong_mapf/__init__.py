"""The report on lifelong multi-agent path finding."""
