"""The report on online control barrier functions, ``docs/online_cbf.md``: cases, measurements, pictures, text."""
