"""Priority inheritance with backtracking, decentralised, and the reservation of cells."""
