"""A kinematic world for robots that reserve cells: they drive towards their waypoints, messages take a tick."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from swarm.sense.view import View


class TinyGrid:
    """A grid map made of text rows ('.' and letters free, '#', '@' and 'T' walls)."""

    def __init__(self, rows: list[str], cell_size: float = 1.0) -> None:
        self.free = np.array([[c not in "#@TOW" for c in row] for row in rows])
        self.cell_size, self.origin = cell_size, (0.0, 0.0)
        self.symbols = tuple(rows)

    def centre(self, cell):
        return np.array([(cell[1] + 0.5) * self.cell_size, (self.free.shape[0] - cell[0] - 0.5) * self.cell_size])


def steps_between(free, start, goal):
    """Plain breadth-first distance; None if there is no way."""
    seen = {start: 0}
    queue = deque([start])
    while queue:
        r, c = queue.popleft()
        if (r, c) == goal:
            return seen[(r, c)]
        for n in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
            inside = 0 <= n[0] < free.shape[0] and 0 <= n[1] < free.shape[1]
            if inside and free[n] and n not in seen:
                seen[n] = seen[(r, c)] + 1
                queue.append(n)
    return None


def component(free):
    """Cells of the largest 4-connected component, sorted."""
    left = {(int(r), int(c)) for r, c in np.argwhere(free)}
    best: set = set()
    while left:
        group, queue = set(), deque([left.pop()])
        while queue:
            r, c = queue.popleft()
            group.add((r, c))
            for n in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
                if n in left:
                    left.discard(n)
                    queue.append(n)
        best = max(best, group, key=len)
    return sorted(best)


def draw_jobs(grid, robots, seed, goals_each):
    """Starts, and goals (alternately S and E cells where the map has both, else any free cell)."""
    rng = np.random.default_rng(seed)
    cells = component(grid.free)
    kinds = {s: [c for c in cells if grid.symbols[c[0]][c[1]] == s] for s in "SE"}
    pools = [kinds[s] for s in "SE" if len(kinds[s]) > 1] or [cells]
    starts = [cells[i] for i in rng.permutation(len(cells))[:robots]]
    goals = []
    for start in starts:
        last, own = start, []
        for k in range(goals_each):
            pool = pools[k % len(pools)]
            pick = last
            while pick == last:
                pick = pool[rng.integers(len(pool))]
            own.append(pick)
            last = pick
        goals.append(own)
    return starts, goals


@dataclass
class Outcome:
    """What a run made of it."""

    delivered: list[int]
    times: list[list[float]]
    closest: float = math.inf
    overlaps: list[str] = field(default_factory=list)
    longest_wait: float = 0.0
    history: list = field(default_factory=list)


def run(
    grid,
    planners,
    starts,
    goals,
    ticks,
    *,
    dt=0.05,
    speed=1.0,
    radius=0.3,
    heard_within=6.0,
    seed=0,
    noise=0.1,
    stall=0.0,
    reach=0.15,
    first_tick=0,
    trace=False,
):
    """Drive all robots; checks each tick that no cell is held twice, that bodies are in held cells and never touch."""
    rng = np.random.default_rng(seed)
    n = len(planners)
    position = np.array([grid.centre(s) for s in starts], dtype=float)
    messages: dict[int, SimpleNamespace] = {}
    sent_from = position.copy()
    out = Outcome([0] * n, [[] for _ in range(n)])
    stalled = np.zeros(n)
    last = np.zeros(n)
    for tick in range(ticks):
        apart = np.linalg.norm(sent_from[:, None] - sent_from[None], axis=2)
        new, plans = {}, []
        for i in range(n):
            heard = {j: m for j, m in messages.items() if j != i and apart[i, j] <= heard_within}
            k = out.delivered[i]
            goal = grid.centre(goals[i][k]) if k < len(goals[i]) else np.array([np.nan, np.nan])
            state = np.array([position[i, 0], position[i, 1], 0.0, 0.0, 0.0])
            now = (first_tick + tick) * dt
            plan = planners[i].plan(View(now, state, goal, messages=heard))
            new[i] = SimpleNamespace(intent=plan.intent)
            plans.append(plan)
        messages, sent_from = new, position.copy()
        owner: dict[int, int] = {}
        for i in range(n):
            for cell in plans[i].intent.held:
                if cell in owner:
                    out.overlaps.append(f"tick {tick}: {owner[cell]} and {i} hold {cell}")
                owner[cell] = i
        if trace:
            out.history.append((position.copy(), [p.intent for p in plans]))
        stalled = np.maximum(stalled - dt, 0.0)
        stalled += np.where(rng.random(n) < stall * dt, rng.uniform(0.2, 2.0, n), 0.0)
        pace = np.where(stalled > 0, 0.0, speed * dt * (1.0 - noise * rng.random(n)))
        for i in range(n):
            way = plans[i].waypoint - position[i]
            length = math.hypot(*way)
            limit = min(pace[i], length)
            if length > 1e-9:
                position[i] += way / length * limit
            _check_body(grid, i, position[i], radius, plans[i].intent.held, out, tick)
            k = out.delivered[i]
            if k < len(goals[i]) and math.hypot(*(grid.centre(goals[i][k]) - position[i])) <= reach:
                out.delivered[i] += 1
                out.longest_wait = max(out.longest_wait, tick * dt - last[i])
                last[i] = tick * dt
                out.times[i].append(tick * dt)
        gap = np.linalg.norm(position[:, None] - position[None], axis=2) + np.eye(n) * 1e9
        out.closest = min(out.closest, float(gap.min()) - 2 * radius)
    out.longest_wait = max(out.longest_wait, float(ticks * dt - last.min()))
    return out


def _check_body(grid, i, p, radius, held, out, tick):
    """The disc may stick out of the held cells by no more than a hair."""
    rows, columns = grid.free.shape
    size = grid.cell_size
    allowed = set(held)
    r0, r1 = rows - 1 - math.floor((p[1] + radius) / size), rows - 1 - math.floor((p[1] - radius) / size)
    for r in range(r0, r1 + 1):
        for c in range(math.floor((p[0] - radius) / size), math.floor((p[0] + radius) / size) + 1):
            if r * columns + c in allowed and 0 <= r < rows and 0 <= c < columns:
                continue
            dx = max(abs(p[0] - (c + 0.5) * size) - size / 2, 0)
            dy = max(abs(p[1] - (rows - r - 0.5) * size) - size / 2, 0)
            if math.hypot(dx, dy) < radius - 1e-6:
                out.overlaps.append(f"tick {tick}: body of {i} sticks out into {(r, c)}")


def alone(grid, starts, goals, seconds, speed=1.0):
    """Goals that each robot would reach on its own: shortest 4-connected paths at top speed, summed."""
    total = 0
    for start, own in zip(starts, goals, strict=True):
        left, here = seconds * speed / grid.cell_size, start
        for goal in own:
            left -= steps_between(grid.free, here, goal)
            if left < 0:
                break
            total, here = total + 1, goal
    return total
