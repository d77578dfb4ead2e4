"""Control processes that agree on who goes first through doors: killed, cut off and unheard, never two in one."""

import pytest
from oracles.sensing_world import SensingWorld

from swarm.runtime.link.inbox import FORGOTTEN
from swarm.runtime.status_teller import StatusTeller

FLEET = """
fleet: doors
scenario: doors-scenario.yaml
planner: auto
controller: fixed:4,1
margin: 0.05
driver: replay
recording: none
endpoints: 18000
"""
ROOMS = """
environment:
  min: [0, 0]
  max: [8, 5]
  obstacles:
"""
ROBOT = "  - {{type: unicycle, start: {}, goals: {}, radius: 0.25, limits: {{speed: 1.0, turn_rate: 4.0}}}}\n"


def fleet_in(folder, doors, robots):
    """Two rooms with doors of 0.9 m at these heights, and robots with starts and goals."""
    edges = [0.0, *(edge for door in doors for edge in (door - 0.45, door + 0.45)), 5.0]
    walls = [(0.5 * (low + high), high - low) for low, high in zip(edges[::2], edges[1::2], strict=True)]
    boxes = "".join(f"    - {{type: box, center: [4, {middle}], size: [0.3, {size}]}}\n" for middle, size in walls)
    team = "".join(ROBOT.format([*start, 0.0], goals) for start, goals in robots)
    (folder / "doors-scenario.yaml").write_text(f"{ROOMS}{boxes}robots:\n{team}sensing_radius: 3.0\ndt: 0.05\n")
    (folder / "doors.yaml").write_text(FLEET)
    return folder / "doors.yaml"


TO_AND_FRO = [
    ((1.0, 1.0), [[7.0, 1.0], [1.0, 1.0]]), ((7.0, 4.0), [[1.0, 4.0], [7.0, 4.0]]),
    ((1.0, 4.0), [[7.0, 2.5], [1.0, 2.5]]),
]  # fmt: skip


@pytest.mark.parametrize(("seed", "loss", "delay"), [(0, 0.0, 0.0), (1, 0.3, 0.1)])
def test_there_are_never_two_in_a_door_whenever_processes_are_killed(tmp_path, seed, loss, delay):
    world = SensingWorld(fleet_in(tmp_path, [2.5], TO_AND_FRO), seed, loss, delay)
    assert world.fleet.planner == "passages"
    world.start()
    for victim in (0, 1, 2):
        world.run(8.0)
        world.kill(victim)
        world.run(2.0)
        world.start(victim)
    world.run(8.0)
    assert world.most == 1 and world.smallest > 0.0
    assert sum(world.reached) >= 3 and world.longest <= 1024


def test_a_dead_robot_in_a_door_is_gone_around(tmp_path):
    robots = [((1.0, 1.2), [[7.0, 1.2]]), ((4.0, 1.2), [[7.0, 4.0]])]
    world = SensingWorld(fleet_in(tmp_path, [1.2, 3.8], robots))
    world.start(0)
    world.run(40.0, until=lambda: world.reached[0])
    assert world.reached[0] and world.smallest > 0.0


def test_without_another_door_it_waits_and_its_status_says_for_whom(tmp_path):
    robots = [((1.0, 2.5), [[7.0, 2.5]]), ((4.0, 2.5), [[7.0, 4.0]])]
    world = SensingWorld(fleet_in(tmp_path, [2.5], robots))
    world.start()
    world.run(0.2)
    world.kill(1)
    world.run(10.0)
    mind, rate = world.minds[0], type("Rate", (), {"late": (), "took": ()})
    status = StatusTeller(mind, rate).status(world.last[0])
    assert any("passage is blocked at [4." in note and "by robot 1" in note for note in status.notes), status.notes
    assert world.slices.at(*world.states[0][:2]) == 0
    world.start(1)
    world.run(30.0 + FORGOTTEN, until=lambda: world.reached[0])
    assert world.reached[0]
