"""The report on narrow places, ``docs/narrow_places.md``: who goes first where one robot fits."""
