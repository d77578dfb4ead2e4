"""Priority inheritance with backtracking, decentralised, and the reservation of cells.

The guarantee of the planning layer is here: no two robots in a cell and no swap, whoever ranked the moves.
"""
