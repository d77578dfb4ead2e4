"""Kernels of grid maps: walls as few rectangles, connected parts of free cells."""

from __future__ import annotations

import numpy as np
from numba import njit

from swarm.array_types import Flags, Int32s, Int64s


@njit(cache=True)
def cover(wall: Flags) -> Int64s:
    """Cover wall cells by maximal rectangles, ``int64[n, 4]`` (top, left, bottom, right; ends exclusive).

    Greedy: from each cell that is not covered yet, the larger of the rectangle that grows sideways first and
    of the one that grows up and down first. Each side grows as far as it can, so that rectangles overlap.
    """
    rows, cols = wall.shape
    covered = np.zeros((rows, cols), dtype=np.bool_)
    boxes = np.empty((rows * cols, 4), dtype=np.int64)
    count = 0
    for row in range(rows):
        for col in range(cols):
            if wall[row, col] and not covered[row, col]:
                wide = _grow(wall, row, col, True)
                tall = _grow(wall, row, col, False)
                area_wide = (wide[2] - wide[0]) * (wide[3] - wide[1])
                area_tall = (tall[2] - tall[0]) * (tall[3] - tall[1])
                top, left, bottom, right = wide if area_wide >= area_tall else tall
                covered[top:bottom, left:right] = True
                boxes[count, 0], boxes[count, 1] = top, left
                boxes[count, 2], boxes[count, 3] = bottom, right
                count += 1
    return boxes[:count].copy()


@njit(cache=True)
def _grow(wall: Flags, row: int, col: int, sideways_first: bool) -> tuple[int, int, int, int]:
    """The maximal all-wall rectangle around a cell, grown along one axis and then along the other."""
    top, left, bottom, right = row, col, row + 1, col + 1
    for turn in range(2):
        if (turn == 0) == sideways_first:
            while left > 0 and wall[top:bottom, left - 1].all():
                left -= 1
            while right < wall.shape[1] and wall[top:bottom, right].all():
                right += 1
        else:
            while top > 0 and wall[top - 1, left:right].all():
                top -= 1
            while bottom < wall.shape[0] and wall[bottom, left:right].all():
                bottom += 1
    return top, left, bottom, right


@njit(cache=True)
def label_parts(free: Flags) -> Int32s:
    """Flood fill of the free cells, with an explicit stack."""
    rows, cols = free.shape
    label = np.full((rows, cols), -1, dtype=np.int32)
    stack = np.empty(rows * cols, dtype=np.int64)
    count = 0
    for seed in range(rows * cols):
        if not free[seed // cols, seed % cols] or label[seed // cols, seed % cols] >= 0:
            continue
        label[seed // cols, seed % cols] = count
        stack[0] = seed
        depth = 1
        while depth > 0:
            depth -= 1
            row, col = stack[depth] // cols, stack[depth] % cols
            for r, c in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
                if 0 <= r < rows and 0 <= c < cols and free[r, c] and label[r, c] < 0:
                    label[r, c] = count
                    stack[depth] = r * cols + c
                    depth += 1
        count += 1
    return label
