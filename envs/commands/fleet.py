"""Runs a fleet on this machine, a process for each robot; shows it, stops it.

Installed it is ``swarm-fleet``, from a checkout ``python launch/fleet.py``. ``up FLEET.yaml`` starts everything, with a
table here and a page in the browser; ``status`` tells how a fleet is, wherever its robots run; ``estop`` stops all
robots at once until ``release``; ``stop`` ends the processes that ``up`` started; ``page`` serves the page alone.
"""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from envs.commands.command import UNREAD, nobody_reads
from envs.render.fleet_table import FleetDisplay, table
from swarm.errors import InputError, SwarmError
from swarm.files.checks import whole
from swarm.fleet.emergency import wish
from swarm.fleet.page import serve
from swarm.fleet.run_file import STOP_PATIENCE, RunFile, stop
from swarm.fleet.session import Session
from swarm.fleet.supervisor import Commands
from swarm.fleet.watch import FleetWatch
from swarm.planning.gaps import goals_without_way
from swarm.runtime.fleet_file.read import load_fleet
from swarm.scenario.starts import note_turns

INTERRUPTED = 130
"""Exit status after Ctrl-C, as a shell says it."""
PATIENCE = 3.0
"""Seconds for which the status of all robots is waited for."""

COMMANDS = Commands(
    physics=(sys.executable, "-P", "-m", "envs.commands.physics"),
    page=(sys.executable, "-P", "-m", "envs.commands.fleet", "page"),
)

app = tyro.extras.SubcommandApp()
Fleet = Annotated[Path, tyro.conf.Positional]


def screen() -> Console:
    """Where people read; a file or a pipe has no width, and the table needs some."""
    return Console(width=None if sys.stdout.isatty() else 160)


def told_to_end() -> Callable[[], int]:
    """How often this process was told to end, from now on."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: told.append(number))
    return lambda: len(told)


@app.command
def up(
    fleet: Fleet, seconds: float = math.inf, json: Path | None = None, port: int = 0, page: bool = True,
    kill_every: float = math.inf, seed: int = 0, log: Path | None = None, standby: bool = False,
    physics_hz: float | None = None,
) -> int:  # fmt: skip
    """Start a fleet: its physics world if it has one, and a process for each robot, again when one dies.

    Args:
        fleet: The fleet file.
        seconds: End so many seconds after all robots are ready.
        json: Results file, written at the end.
        port: Of the browser page on 127.0.0.1; 0: any that is free.
        page: Serve the browser page.
        kill_every: Kill a robot's process every so many seconds, as a test.
        seed: Of the draw of whom to kill.
        log: Folder for what the processes say.
        standby: A second, idle process for each robot (200 MB each), which takes over at once when the first one dies.
        physics_hz: Physics steps a second of the physics world, a multiple of 60; 240 if not given.
    """
    for name, value in (("--seconds", seconds), ("--kill-every", kill_every)):
        if not value > 0.0:
            raise InputError(name, value, "a number above 0, s")
    whole("--seed", seed, least=0)
    if not 0 <= port < 65536:
        raise InputError("--port", port, "0 to 65535")
    found = load_fleet(fleet)
    odd = note_turns(found.scenario.world, found.scenario.robots)
    for one in (*odd, *goals_without_way(found.scenario, found.margin, found.errors)):
        print(f"warning: {fleet}: {one}", file=sys.stderr)
    coarser = () if physics_hz is None else (f"--physics-hz={physics_hz}",)
    commands = replace(COMMANDS, physics=(*COMMANDS.physics, *coarser))
    session = Session(found, commands, told_to_end(), FleetDisplay(screen(), found.name), log, standby)
    return session.run(seconds, json, port if page else None, kill_every, seed)


@app.command
def status(fleet: Fleet) -> int:
    """Tell how each robot is; 1 if one is silent or stopped.

    Args:
        fleet: The fleet file.
    """
    found = load_fleet(fleet)
    with FleetWatch(found) as watch:
        until = time.monotonic() + PATIENCE
        while True:
            scene = watch.look()
            verdicts = {scene.verdict(robot)[0] for robot in range(len(scene.robots))}
            complete = "silent" not in verdicts and (scene.world is not None or not scene.has_world)
            if complete or time.monotonic() > until:
                break
            time.sleep(0.05)
    console = screen()
    console.print(table(scene, found.name))
    running = RunFile(found.name).read()
    if running.supervisor is not None:
        console.print(f"started here by process {running.supervisor.pid}, {len(running.processes)} processes")
        console.print(f"page: {running.page}" if running.page else "no page")
    world_stopped = scene.world is not None and scene.world.stopped
    return int(not verdicts.isdisjoint({"silent", "stopped"}) or world_stopped)


def check_patience(patience: float) -> None:
    """Refuse what is no time to wait."""
    if not 0.0 < patience < math.inf:
        raise InputError("--patience", patience, "a number above 0, s")


def tell_all(fleet: Path, latched: bool, patience: float) -> int:
    """Stop or release, and say who has not confirmed."""
    check_patience(patience)
    with FleetWatch(load_fleet(fleet)) as watch:
        answers = wish(watch, latched, patience)
    print(answers.text(latched))
    return int(not answers.complete)


@app.command
def estop(fleet: Fleet, patience: float = 5.0) -> int:
    """Stop all robots until they are released; 1 if somebody has not confirmed it.

    Args:
        fleet: The fleet file.
        patience: Seconds after which those are named who have not.
    """
    return tell_all(fleet, True, patience)


@app.command
def release(fleet: Fleet, patience: float = 5.0) -> int:
    """Lift the emergency stop; 1 if somebody has not confirmed it.

    Args:
        fleet: The fleet file.
        patience: Seconds after which those are named who have not.
    """
    return tell_all(fleet, False, patience)


@app.command(name="stop")
def stop_(fleet: Fleet, patience: float = STOP_PATIENCE) -> int:
    """End all processes that ``up`` started here for this fleet.

    Args:
        fleet: The fleet file.
        patience: Seconds after which those are killed that have not ended; ``up`` itself waits for its own up to 10.
    """
    check_patience(patience)
    name = load_fleet(fleet).name
    count, killed = stop(RunFile(name), patience)
    print(f"{count} processes ended" + (f", {killed} had to be killed" if killed else "") if count else "nothing runs")
    return 0


@app.command
def page(fleet: Fleet, port: int = 0) -> int:
    """Serve the browser page of a fleet that runs.

    Args:
        fleet: The fleet file.
        port: On 127.0.0.1; 0: any that is free.
    """
    ended = told_to_end()
    serve(load_fleet(fleet), port, lambda: ended() > 0, lambda line: print(line, flush=True))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; 2 on wrong input, 141 if nobody reads on."""
    try:
        try:
            return int(app.cli(prog=Path(sys.argv[0]).name, description=__doc__, args=arguments))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not nobody_reads():
            raise
        return UNREAD
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except SwarmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
