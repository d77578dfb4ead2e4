"""What proposes the tunables of the filter: networks, fixed settings, hand-written heuristics."""
