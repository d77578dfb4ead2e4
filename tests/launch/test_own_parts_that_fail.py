"""A part of a user's own that raises while it runs, or gives something else: one line with file and line, status 2."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

pytestmark = [pytest.mark.torch, pytest.mark.bullet]

TEXT = """
import numpy as np
import torch
from torch import nn
from swarm import Kind, Limits, Plan, RobotSpec, Scenario, World

def family(rng, *, robots=2):
    return [][robots]  # family

def refused(rng, *, robots=2):
    spec = RobotSpec(Kind.UNICYCLE, [1, 1, 0, 0, 0], [[3, 3]], -1.0, Limits(0.5, turn_rate=4.0))  # refused
    return Scenario(World([0, 0, 4, 4]), [spec], horizon=15.0, dt=0.03, sensing_radius=1.0)

def nothing(rng):  # nothing
    return None

def my_map(rng):
    return {}["free"]  # my_map

def reward(step):
    return step.nowhere  # reward

def short(step):  # short
    return np.ones(3)

def words(step):  # words
    return "much"

class Planner:
    def plan(self, view):
        return view.nothing  # Planner

class Unmade:
    def __init__(self, spec):
        self.mass = spec.mass  # Unmade
    def plan(self, view):
        return Plan(view.goal)

class Three:
    def plan(self, view):  # Three
        return Plan([1.0, 2.0, 3.0])

class Stop:
    def plan(self, view):  # Stop
        return Plan(view.goal, stop_distance=float("nan"))

class Told:
    def plan(self, view):  # Told
        return Plan(view.goal, intent="left")

def controller(observation):
    return observation.edges[0, 99]  # controller

def five(observation):  # five
    return np.ones(5)

def nan(observation):  # nan
    return np.full(6, np.nan)

def constraint(view):
    return view.nothing  # constraint

def column(view):  # column
    return np.ones((1, 3)), np.ones(1)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean, self.value = nn.Linear(26, 6), nn.Linear(26, 1)
    def forward(self, ego, edges, mask):
        return torch.sigmoid(self.mean(ego)), None, self.value(ego).squeeze(-1)

class Late(Net):
    def forward(self, ego, edges, mask):
        if self.training:
            raise RuntimeError("late")  # Late
        return super().forward(ego, edges, mask)

class Lost(Net):
    def forward(self, ego, edges, mask):  # Lost
        mean, std, value = super().forward(ego, edges, mask)
        return mean, std, value / (0.0 if self.training else 1.0)

class Thin(Net):
    def forward(self, ego, edges, mask):  # Thin
        mean, std, value = super().forward(ego, edges, mask)
        return mean[:, :1] if self.training else mean, std, value

class Ranker(nn.Module):
    def __init__(self):
        super().__init__()
        self.scores, self.value = nn.Linear(7, 5), nn.Linear(7, 1)
    def forward(self, view, own):  # Ranker
        return self.scores(own) * (float("nan") if self.training else 1.0), self.value(own).squeeze(1)
"""
TUNER = "train tuner --robots 3 --worlds 2 --threads 1 --steps 96 --ppo.rollout 8 --ppo.minibatches 2 --out o"
FAMILY, ARENA = "evaluate family clutter --episodes 1 --robots 2", "evaluate arena --family clutter --robots 2"
SIMULATE = "simulate --family clutter --robots 2 --seconds 0.5 --no-film"
CASES = [
    ("evaluate family parts.py:family --episodes 1", "family", "got 'IndexError: list index out of range'"),
    ("simulate --family parts.py:family --no-film", "family", "got 'IndexError"),
    (f"{TUNER} --family parts.py:family", "family", "got 'IndexError"),
    ("evaluate family parts.py:refused --episodes 1", "refused", "RobotSpec.radius: got -1.0"),
    ("evaluate arena --family parts.py:nothing", "nothing", "got None; valid: a swarm.Scenario"),
    ("evaluate arena --map parts.py:my_map --robots 2", "my_map", "got \"KeyError: 'free'\""),
    (f"{TUNER} --family clutter --reward parts.py:reward", "reward", "got \"AttributeError"),
    (f"{TUNER} --family clutter --reward parts.py:short", "short", "got 'shape (3,)'; valid: numbers of shape [2, 3]"),
    (f"{TUNER} --family clutter --reward parts.py:words", "words", "got 'much'"),
    (f"{FAMILY} --planner parts.py:Planner", "Planner", "got \"AttributeError: 'View' object has no attr"),
    (f"{SIMULATE} --planner parts.py:Planner", "Planner", "got \"AttributeError"),
    (f"{FAMILY} --planner parts.py:Unmade", "Unmade", "got \"AttributeError"),
    (f"{ARENA} --planner parts.py:Three", "Three", "waypoint: got 'shape (3,)'"),
    (f"{ARENA} --planner parts.py:Stop", "Stop", "stop_distance: got nan"),
    (f"{ARENA} --planner parts.py:Told", "Told", "intent: got 'left'"),
    (f"{FAMILY} --controller parts.py:controller", "controller", "got 'IndexError"),
    (f"{SIMULATE} --controller parts.py:controller", "controller", "got 'IndexError"),
    (f"{ARENA} --controller parts.py:five", "five", "got 'shape (5,)'; valid: numbers of shape [6]"),
    (f"{ARENA} --controller parts.py:nan", "nan", "action[0]: got nan"),
    (f"{ARENA} --constraint parts.py:constraint", "constraint", "got \"AttributeError"),
    (f"{FAMILY} --constraint parts.py:column", "column", "shapes: got ((1, 3), (1,))"),
    (f"{TUNER} --family clutter --network parts.py:Late", "Late", "got 'RuntimeError: late'"),
    (f"{TUNER} --family clutter --network parts.py:Lost", "Lost", "value: got ["),
    (f"{TUNER} --family clutter --network parts.py:Thin", "Thin", "mean: got torch.Size([3, 1])"),
    ("train follower --kinds puzzles --steps 1 --no-evaluate --out f --network parts.py:Ranker", "Ranker",
     "scores: got [[nan"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "part", "value"), CASES, ids=[f"{words.split()[0]}-{part}" for words, part, _ in CASES]
)
def test_one_line_names_part_file_line_and_value(
    words: str, part: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], same_signals: None,
) -> None:  # fmt: skip
    (tmp_path / "parts.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [f"swarm-{words.split()[0]}", *words.split()[1:]])
    monkeypatch.setattr("envs.commands.entry.leave", sys.exit)
    logging.disable(logging.WARNING)  # the export traces itself at length for whoever listens, as pytest does
    threads = torch.get_num_threads()
    try:
        with pytest.raises(SystemExit) as left:
            getattr(import_module("envs.commands.entry"), words.split()[0])()
    finally:
        torch.set_num_threads(threads)
        logging.disable(logging.NOTSET)
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))
    number = next(k for k, text in enumerate(TEXT.splitlines(), 1) if text.endswith(f"# {part}"))
    assert left.value.code == 2
    assert part in line.split("(")[0] and f"(parts.py:{number}): " in line and value in line, line
