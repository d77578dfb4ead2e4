"""``bench.py controller``: one robot's whole step."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from studies.bench.common import Figures
from swarm import Kind, Limits, Robot, RobotSpec, View, World
from swarm.model.geometry import circles
from swarm.sense.neighbours import N_ACCELERATION, N_RADIUS, N_X, N_Y, NEIGHBOUR


def robot_times(steps: int, controller: str = "fixed:4,1") -> tuple[float, float]:
    """p50 and p99 [µs] of ``Robot.step`` with 16 neighbours and 16 obstacle points."""
    rng = np.random.default_rng(0)
    state = np.array([5.0, 5.0, 0.3, 0.0, 0.0])
    spec = RobotSpec(Kind.UNICYCLE, state, np.array([[9.0, 8.0]]), 0.25, Limits(1.0, turn_rate=4.0))
    world = World(np.array([0.0, 0.0, 10.0, 10.0]))
    robot = Robot(spec, world, dt=0.05, sensing_radius=3.0, planner="straight", controller=controller)
    near = np.zeros((16, NEIGHBOUR))
    angles = 2.0 * np.pi * np.arange(16) / 16
    near[:, N_X], near[:, N_Y] = 5.0 + 1.8 * np.cos(angles), 5.0 + 1.8 * np.sin(angles)
    near[:, N_RADIUS], near[:, N_ACCELERATION] = 0.25, np.inf
    points = circles(5.0 + 1.3 * np.column_stack([np.cos(angles + 0.2), np.sin(angles + 0.2), np.zeros(16)]))
    times = []
    for k in range(steps + 50):
        state[:2] = 5.0 + 0.05 * rng.normal(size=2)
        view = View(0.05 * k, state, spec.goals[0], near, {}, points)
        began = time.perf_counter()
        robot.step(view)
        times.append(1e6 * (time.perf_counter() - began))
    late = times[50:]
    return float(np.percentile(late, 50)), float(np.percentile(late, 99))


_COLD = """
import time; began = time.perf_counter()
import numpy as np, sys
from swarm import Kind, Limits, Robot, RobotSpec, View, World
spec = RobotSpec(Kind.UNICYCLE, np.array([5, 5, 0.3, 0, 0.]), np.array([[9, 8.]]), 0.25, Limits(1.0, turn_rate=4.0))
robot = Robot(spec, World(np.array([0, 0, 10, 10.])), dt=0.05, sensing_radius=3.0, planner="straight")
robot.step(View(0.0, spec.start, spec.goals[0]))
took = time.perf_counter() - began
# Not ru_maxrss: a child inherits its parent's.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(took, int(peak) / 1024, "torch" in sys.modules)
"""


def bench_controller() -> Figures:
    """One robot's whole step, and a fresh process up to its first step."""
    figures: Figures = {}
    for name, controller in (("tuner (ONNX)", "tuner"), ("fixed", "fixed:4,1")):
        p50, p99 = robot_times(3000, controller)
        figures[f"Robot.step, {name}"] = {"µs p50": p50, "µs p99": p99}
    cold = []
    for _ in range(6):
        done = subprocess.run([sys.executable, "-c", _COLD], capture_output=True, text=True, check=True)
        seconds, megabytes, torch = done.stdout.split()
        cold.append((float(seconds), float(megabytes), torch))
    figures["fresh process to first step (warm cache)"] = {
        "s": float(np.median([entry[0] for entry in cold[1:]])),
        "MB": float(np.median([entry[1] for entry in cold[1:]])),
        "torch loaded": cold[-1][2],
    }
    return figures
