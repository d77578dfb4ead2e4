"""One run of a fleet on this machine: its processes from the first start to the last end, the table, the results."""

from __future__ import annotations

import json
import math
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from swarm.errors import InputError
from swarm.files.text_files import write_text
from swarm.fleet.addresses import check_free
from swarm.fleet.run_file import RunFile
from swarm.fleet.supervisor import Chaos, Commands, Supervisor, prepare
from swarm.fleet.watch import FleetSnapshot, FleetWatch
from swarm.runtime.fleet_file.read import FleetFile

LOOK = 0.1
"""Seconds between two looks at the processes."""
READY = 180.0
"""Seconds within which all robots have to have moved, if a run is to last for so many seconds."""
SHOW, NOTE = 0.5, 10.0
"""Seconds between two looks that are shown; and between two notes of which processes there are."""


class Display(Protocol):
    """Where people read how the fleet is."""

    def say(self, line: str, error: bool = False) -> None:
        """Show a line."""
        ...

    def tell(self, line: str) -> None:
        """Something happened; shown with the fleet while that is shown."""
        ...

    def live(self) -> AbstractContextManager[object]:
        """The fleet is shown from now on until this ends."""
        ...

    def show(self, scene: FleetSnapshot, restarts: Sequence[int]) -> None:
        """Show the fleet as it is now, with how often each robot's process was started again."""
        ...


class Session:
    """Starts a fleet, keeps it running, and ends it.

    Args:
        fleet: Which one.
        commands: What its processes are started with.
        ended: How often this process was told to end: once is by and by, twice is now.
        display: Where it is shown.
        log: Folder for what the processes say; None: it is thrown away at the end.
        standby: Whether each robot has a second process that takes over when the first one dies.
    """

    def __init__(
        self, fleet: FleetFile, commands: Commands, ended: Callable[[], int], display: Display,
        log: Path | None = None, standby: bool = False,
    ) -> None:  # fmt: skip
        self.fleet, self._commands, self._ended, self._display = fleet, commands, ended, display
        self._log, self._standby = log, standby
        self._url, self._problem = "", ""
        # When all robots had moved for the first time: real time, the world's time and deliveries.
        self._ready: tuple[float, float, int] | None = None
        self._moved: set[int] = set()

    def run(self, seconds: float, results: Path | None, port: int | None, kill_every: float, seed: int) -> int:
        """Run until told to end, or for so many seconds after all robots were ready.

        Args:
            seconds: How long, from when all robots are ready [s].
            results: Where to write what it came to.
            port: Of the page; 0: any; None: no page.
            kill_every: Seconds between two kills of a robot.
            seed: Of whom to kill.

        Returns:
            0; 1 if robots collided, or the fleet could not go on.
        """
        file = RunFile(self.fleet.name)
        file.claim()
        check_free(self.fleet, world=self.fleet.driver == "bullet" and bool(self._commands.physics))
        with tempfile.TemporaryDirectory(prefix="fleet-") as room:
            log = self._log or Path(room)
            try:
                log.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError("--log", str(log), f"a folder ({error.strerror})") from None
            supervisor = Supervisor(
                self.fleet, self._commands, Path(room), log, self._display.tell, standby=self._standby
            )  # fmt: skip
            reserved = self._add_page(supervisor, port)
            start = time.monotonic()
            try:
                self._display.say("getting ready (after an installation or a change, this compiles for a minute)")
                prepare(self.fleet.path, self._commands.robot)
                with FleetWatch(self.fleet) as watch:
                    supervisor.start()
                    self._keep(supervisor, watch, file, seconds, kill_every, seed)
                    scene = watch.look()
            finally:
                supervisor.end(patience=5.0 if self._ended() < 2 else 0.0)
                file.remove()
                if reserved is not None:
                    reserved.close()
            found = self._results(supervisor, scene, time.monotonic() - start)
        if results is not None:
            write_text(results, json.dumps(found, indent=1) + "\n")
        self._display.say(_summary(found))
        if supervisor.failed:
            self._display.say(f"error: {supervisor.failed}", error=True)
        return int(bool(supervisor.failed or found["collisions"]))

    def _add_page(self, supervisor: Supervisor, port: int | None) -> socket.socket | None:
        """One more process for the page. Its port is held from now on, so that it is the same after a restart."""
        if port is None:
            return None
        reserved = socket.socket()
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            reserved.bind(("127.0.0.1", port))
        except OSError as error:
            reserved.close()
            raise InputError("--port", port, f"one that can be used ({error.strerror})") from None
        port = reserved.getsockname()[1]
        self._url = f"http://127.0.0.1:{port}/"
        supervisor.add("page", self._commands.page, self.fleet.path, "--port", port)
        self._display.say(f"page: {self._url}")
        return reserved

    def _keep(
        self, supervisor: Supervisor, watch: FleetWatch, file: RunFile, seconds: float, kill_every: float, seed: int
    ) -> None:  # fmt: skip
        """Until the end."""
        chaos: Chaos | None = None
        start, written, shown = time.monotonic(), -math.inf, -math.inf
        with self._display.live():
            while not self._ended() and not supervisor.failed:
                now = time.monotonic()
                changed = supervisor.look() or (self._ready is not None and supervisor.spare())
                if changed or now - written > NOTE:
                    written = now
                    self._note(supervisor, file)
                if now - shown > SHOW:
                    shown = now
                    self._show(supervisor, watch.look(), now)
                if self._ready is not None and now - self._ready[0] >= seconds:
                    break
                if self._ready is None and seconds < math.inf and now - start > READY:
                    supervisor.failed = f"not all robots were ready within {READY:g} s"
                if self._ready is not None and chaos is None:
                    chaos = Chaos(kill_every, seed, now)
                victim = None if chaos is None else chaos.victim(now, len(supervisor.robots))
                if victim is not None:
                    self._display.tell(f"robot {victim} is killed, as a test")
                    supervisor.kill(victim)
                time.sleep(LOOK)

    def _note(self, supervisor: Supervisor, file: RunFile) -> None:
        """Note which processes there are. A disk that does not take it is said once, and ends no fleet."""
        problem = ""
        try:
            file.write({child.name: child.pid for child in supervisor.children}, self._url)
        except (OSError, InputError) as error:
            problem = f"the file of this run is not written, swarm-fleet stop knows an older one: {error}"
        if problem and not self._problem:
            self._display.tell(problem)
        self._problem = problem

    def _show(self, supervisor: Supervisor, scene: FleetSnapshot, now: float) -> None:
        """Show the fleet, and notice when all robots have moved."""
        verdicts = [scene.verdict(robot)[0] for robot in range(len(scene.robots))]
        self._moved |= {robot for robot, verdict in enumerate(verdicts) if verdict in ("drives", "waits")}
        if self._ready is None and len(self._moved) == len(verdicts):
            world = scene.world
            self._ready = (now, 0.0, 0) if world is None else (now, world.time, world.deliveries)
            self._display.tell("all robots are ready")
        self._display.show(scene, [supervisor.restarts[child.name].count for child in supervisor.robots])

    def _results(self, supervisor: Supervisor, scene: FleetSnapshot, seconds: float) -> dict[str, Any]:
        """What the run came to."""
        physics = _read(supervisor.world_figures)
        last = scene.world
        deliveries, collisions, world_time = (
            (physics["deliveries"], physics["collisions"], physics["seconds"]) if physics
            else (last.deliveries, last.collisions, last.time) if last else (0, 0, 0.0)
        )  # fmt: skip
        ready = self._ready
        robots = [
            {
                "robot": robot, "restarts": supervisor.restarts[child.name].count, "kills": supervisor.kills[robot],
                "given_up": supervisor.restarts[child.name].given_up, "last": scene.verdict(robot),
                "figures": _read(supervisor.figures(robot)),
            }
            for robot, child in enumerate(supervisor.robots)
        ]  # fmt: skip
        return {
            "kind": "fleet", "fleet": self.fleet.name, "seconds": round(seconds, 1), "deliveries": deliveries,
            "collisions": collisions, "world_seconds": world_time, "ready": ready is not None,
            "world_seconds_ready": round(world_time - ready[1], 3) if ready else 0.0,
            "deliveries_ready": deliveries - ready[2] if ready else 0,
            "restarts": sum(robot["restarts"] for robot in robots), "kills": supervisor.kills.total(),
            "failed": supervisor.failed, "robots": robots, "physics": physics,
        }  # fmt: skip


def _read(path: Path) -> dict[str, Any] | None:
    """What a process wrote at its end; None if it could not."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _summary(found: dict[str, Any]) -> str:
    """A line for people."""
    return (
        f"{found['fleet']}: {found['deliveries']} deliveries and {found['collisions']} collisions in "
        f"{found['world_seconds']:.0f} s; {found['kills']} processes killed, {found['restarts']} started again"
    )
