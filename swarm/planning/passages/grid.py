"""Cells of a grid: what lies near others, what hangs together, and how far it is from one to another."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from swarm.array_types import Flags, Int32s


@njit(cache=True)
def dilated(core: Flags, reach: float) -> Flags:
    """Cells within ``reach`` cells of one of the core."""
    rows, columns = core.shape
    wide, most = core.copy(), int(reach)
    for row in range(rows):
        for column in range(columns):
            if not core[row, column]:
                continue
            for dr in range(-most, most + 1):
                span = int(math.sqrt(max(reach * reach - dr * dr, 0.0)))
                if 0 <= row + dr < rows:
                    wide[row + dr, max(column - span, 0) : column + span + 1] = True
    return wide


@njit(cache=True)
def parts_of(value: Int32s) -> tuple[Int32s, int]:
    """The 8-connected parts of equal values from 0 on, numbered from 1 in the order of their first cells."""
    rows, columns = value.shape
    part, count = np.zeros((rows, columns), np.int32), 0
    stack = np.empty(rows * columns, np.int64)
    for first in range(rows * columns):
        if part.flat[first] > 0 or value.flat[first] < 0:
            continue
        count += 1
        part.flat[first], stack[0], size = count, first, 1
        while size > 0:
            size -= 1
            row, column = divmod(stack[size], columns)
            for r in range(max(row - 1, 0), min(row + 2, rows)):
                for c in range(max(column - 1, 0), min(column + 2, columns)):
                    if part[r, c] == 0 and value[r, c] == value[row, column]:
                        part[r, c], stack[size] = count, r * columns + c
                        size += 1
    return part, count


@njit(cache=True)
def beside_of(inside: Flags, other: Flags) -> Flags:
    """Cells of ``inside`` that touch a cell of ``other``."""
    rows, columns = inside.shape
    found = np.zeros((rows, columns), np.bool_)
    for row in range(rows):
        for column in range(columns):
            if inside[row, column]:
                near = other[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
                found[row, column] = near.any()
    return found


@njit(cache=True)
def steps_from(inside: Flags, seeds: Flags) -> Int32s:
    """Steps from the nearest seed through ``inside``, straight and diagonal in turn (octagonal); else -1."""
    rows, columns = inside.shape
    steps = np.full((rows, columns), -1, np.int32)
    now, size = np.empty(rows * columns, np.int64), 0
    for cell in range(rows * columns):
        if seeds.flat[cell]:
            steps.flat[cell], now[size], size = 0, cell, size + 1
    done, end, step = 0, size, 0
    while done < end:
        step += 1
        for k in range(done, end):
            row, column = divmod(now[k], columns)
            for r in range(max(row - 1, 0), min(row + 2, rows)):
                for c in range(max(column - 1, 0), min(column + 2, columns)):
                    straight = r == row or c == column
                    if inside[r, c] and steps[r, c] < 0 and (straight or step % 2 == 0):
                        steps[r, c], now[size], size = step, r * columns + c, size + 1
        done, end = end, size
    return steps


def banded(steps: Int32s, length: float) -> tuple[Int32s, int]:
    """The connected parts of each band of so many steps; where these are below 0, there is none."""
    return parts_of(np.where(steps < 0, -1, (steps / length).astype(np.int32)).astype(np.int32))
