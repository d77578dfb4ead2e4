"""Oracle: is a lifelong MAPF run free of conflicts, and did it reach the goals that it claims? Plain Python."""

from __future__ import annotations

from collections.abc import Sequence

Cell = tuple[int, int]


def violations(
    rows: Sequence[str],
    steps: Sequence[Sequence[Sequence[int]]],
    starts: Sequence[Sequence[int]],
    goals: Sequence[Sequence[Sequence[int]]] | None = None,
    claimed: Sequence[int] | None = None,
) -> list[str]:
    """Every rule that a run breaks.

    Args:
        rows: The map: '.' free, anything else wall.
        steps: Cells (row, column) of all robots at each time: steps[t][robot].
        starts: Where each robot had to start.
        goals: Goals of each robot, to be reached in this order; one that equals the last cell counts when it is next
            occupied at a later step.
        claimed: How many goals each robot is said to have reached.

    Returns:
        One sentence a violation, empty if there is none. The rules: start, out of map, wall, jump, vertex, swap, claim.
    """
    plan = [[(int(cell[0]), int(cell[1])) for cell in step] for step in steps]
    found = [
        f"start: robot {i} starts at {plan[0][i]}, not at {tuple(start)}"
        for i, start in enumerate(starts)
        if plan[0][i] != (int(start[0]), int(start[1]))
    ]
    for time, step in enumerate(plan):
        found += _places(rows, time, step)
        if time > 0:
            found += _motions(time, plan[time - 1], step)
    if goals is not None and claimed is not None:
        for i, number in enumerate(claimed):
            reached = goals_reached([step[i] for step in plan], [(int(g[0]), int(g[1])) for g in goals[i]])
            if reached != number:
                found.append(f"claim: robot {i} reached {reached} goals in order, {number} are claimed")
    return found


def _places(rows: Sequence[str], time: int, step: list[Cell]) -> list[str]:
    """Rules about where robots are at one time."""
    found = []
    owner: dict[Cell, int] = {}
    for i, (row, column) in enumerate(step):
        if not (0 <= row < len(rows) and 0 <= column < len(rows[0])):
            found.append(f"out of map: robot {i} at time {time} at {(row, column)}")
        elif rows[row][column] != ".":
            found.append(f"wall: robot {i} at time {time} at {(row, column)}")
        if (row, column) in owner:
            found.append(f"vertex: robots {owner[row, column]} and {i} at time {time} at {(row, column)}")
        owner[row, column] = i
    return found


def _motions(time: int, before: list[Cell], after: list[Cell]) -> list[str]:
    """Rules about how robots move from one time to the next."""
    found = []
    was = {cell: i for i, cell in enumerate(before)}
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        if abs(old[0] - new[0]) + abs(old[1] - new[1]) > 1:
            found.append(f"jump: robot {i} from {old} to {new} at time {time}")
        other = was.get(new)
        if other is not None and other > i and old != new and after[other] == old:
            found.append(f"swap: robots {i} and {other} between {old} and {new} at time {time}")
    return found


def goals_reached(path: list[Cell], goals: list[Cell]) -> int:
    """Goals reached in order; at most one a step."""
    reached = 0
    for cell in path[1:]:
        if reached < len(goals) and cell == goals[reached]:
            reached += 1
    return reached
