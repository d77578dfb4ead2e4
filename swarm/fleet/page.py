"""The browser page of a fleet: served to this machine only, read only.

Routes: ``/`` the page, ``/fleet.json`` what does not change, ``/events`` the fleet about ten times a second
(Server-Sent Events, https://html.spec.whatwg.org/multipage/server-sent-events.html). A request whose ``Host`` is not
this server is refused: else a page from elsewhere could read it through a name that it points to 127.0.0.1.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import threading
import time
from collections.abc import Callable
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from swarm.errors import InputError
from swarm.explanation import sentence
from swarm.filter.tunables import TUNABLES
from swarm.fleet.watch import FleetSnapshot, FleetWatch, Watched
from swarm.runtime.fleet_file.read import FleetFile

PERIOD = 0.1
"""Seconds between two events."""
MOST = 8
"""Pages that are told of the fleet at a time; and four times as many requests."""
_PATIENCE = 5.0  # Seconds for which a browser may be silent in a request, or not read.
_HTML = Path(__file__).with_name("page.html")


def constants(fleet: FleetFile) -> dict[str, Any]:
    """What does not change: the map, the robots, the tunables."""
    world, grid = fleet.scenario.world, fleet.scenario.world.grid
    walls = [] if grid is None else [[*box, 0.0] for box in grid.wall_boxes().tolist()]
    boxes = np.column_stack([world.boxes, world.angles]).tolist()
    return {
        "name": fleet.name, "planner": fleet.planner, "controller": Path(fleet.controller).name,
        "period_ms": 1e3 * fleet.scenario.dt, "margin": fleet.margin, "sensing": fleet.scenario.sensing_radius,
        "bounds": world.bounds.tolist(), "boxes": walls + boxes, "circles": world.circles.tolist(),
        "robots": [
            {"kind": robot.kind.label, "radius": robot.radius, "speed": robot.limits.speed}
            | ({} if robot.footprint is None else {"footprint": robot.footprint.tolist()})
            for robot in fleet.scenario.robots
        ],
        "tunables": [[one.name, one.low, one.high, one.unit, one.log] for one in TUNABLES],
    }  # fmt: skip


def snapshot(scene: FleetSnapshot) -> dict[str, Any]:
    """The fleet at one moment, in JSON's types; times are ages [s]."""
    world = scene.world
    return {
        "at": round(scene.now, 3), "lost": dict(scene.lost), "has_world": scene.has_world,
        "world": None if world is None else {
            "time": round(world.time, 2), "lost": world.lost, "collisions": world.collisions,
            "deliveries": world.deliveries, "clearance": world.clearance, "stopped": world.stopped,
            "age": round(scene.now - world.asked, 2),
        },
        "robots": [_robot(scene, robot, one) for robot, one in enumerate(scene.robots)],
    }  # fmt: skip


def _robot(scene: FleetSnapshot, robot: int, one: Watched) -> dict[str, Any]:
    verdict, why = scene.verdict(robot)
    found: dict[str, Any] = {
        "is": verdict, "why": why, "restarts": one.restarts, "age": _finite(scene.now - one.heard), "pose": None,
        "delivered": None, "still": _finite(scene.now - one.since if one.since else math.inf), "override": None,
    }  # fmt: skip
    if one.override is not None:
        told, at = one.override
        found["override"] = {
            "barrier": told.barrier, "neighbour": told.neighbour, "where": told.where, "change": told.change,
            "age": round(scene.now - at, 2), "text": sentence(told),
        }  # fmt: skip
    status = one.status
    if status is not None:
        found |= {
            "goal": status.goal, "waypoint": status.waypoint, "tunables": status.tunables, "control": status.control,
            "outcome": status.outcome, "tick": status.tick, "ages": [[who, _finite(age)] for who, age in status.ages],
            "rejected": dict(status.rejected), "notes": status.notes, "overruns": status.overruns,
            "late_ms": status.late_ms, "took_ms": status.took_ms,
        }  # fmt: skip
        if status.state is not None:
            x, y, heading, vx, vy = status.state
            found["pose"] = [x, y, heading, math.hypot(vx, vy)]
    if scene.world is not None:  # where its body really is
        found["pose"], found["delivered"] = scene.world.bodies[robot], scene.world.delivered[robot]
    return found


def _finite(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None


class PageServer(ThreadingHTTPServer):
    """Serves the page of a fleet on 127.0.0.1.

    Args:
        fleet: Whose page it is.
        look: The fleet now.
        port: 0: any that is free.

    Raises:
        InputError: If the port cannot be used.
    """

    daemon_threads = True

    def __init__(self, fleet: FleetFile, look: Callable[[], FleetSnapshot], port: int = 0) -> None:
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            raise InputError("--port", port, f"one that can be used ({error})") from None
        self._look, self._fleet = look, fleet
        self._lock, self._made, self._event = threading.Lock(), -math.inf, b""
        self.streams, self.requests = threading.Semaphore(MOST), threading.Semaphore(4 * MOST)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """What a request to this server calls it."""
        return f"127.0.0.1:{self.server_port}", f"localhost:{self.server_port}"

    @cached_property
    def page(self) -> bytes:
        """The page."""
        return _HTML.read_bytes()

    @cached_property
    def policy(self) -> str:
        """What the page may do: run the script that is in it, and ask this server. Nothing from elsewhere."""

        def hashes(tag: bytes) -> str:
            found = re.findall(b"<%b>(.*?)</%b>" % (tag, tag), self.page, re.DOTALL)
            return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in found)

        return (
            f"default-src 'none'; connect-src 'self'; script-src {hashes(b'script')}; style-src {hashes(b'style')}; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    @cached_property
    def constants(self) -> bytes:
        """What does not change."""
        return json.dumps(constants(self._fleet), allow_nan=False).encode()

    def event(self) -> bytes:
        """The fleet now; made once for all pages."""
        with self._lock:
            if time.monotonic() - self._made > 0.9 * PERIOD:
                text = json.dumps(snapshot(self._look()), separators=(",", ":"), allow_nan=False)
                self._made, self._event = time.monotonic(), f"data: {text}\n\n".encode()
            return self._event

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, if there are not too many already."""
        if self.requests.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """In the thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.requests.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is no error."""


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: PageServer
    timeout = _PATIENCE
    server_version, sys_version = "fleet", ""

    def do_GET(self) -> None:
        hosts: list[str] = self.headers.get_all("Host") or []
        if len(hosts) != 1 or hosts[0] not in self.server.hosts:
            self.send_error(403, "not the name of this server")
        elif self.path == "/":
            self._send("text/html; charset=utf-8", self.server.page)
        elif self.path == "/fleet.json":
            self._send("application/json", self.server.constants)
        elif self.path == "/events":
            self._stream()
        else:
            self.send_error(404)

    def _head(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", self.server.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cache-Control", "no-store")

    def _send(self, kind: str, body: bytes) -> None:
        self._head(kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        """Events until the browser goes away, or does not read for a while."""
        if not self.server.streams.acquire(blocking=False):
            self.send_error(503, "too many pages")
            return
        try:
            self._head("text/event-stream")
            self.end_headers()
            while True:
                self.wfile.write(self.server.event())
                time.sleep(PERIOD)
        except OSError:
            self.close_connection = True
        finally:
            self.server.streams.release()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are nobody's business."""


def serve(fleet: FleetFile, port: int, ended: Callable[[], bool], tell: Callable[[str], None] = print) -> None:
    """Serve the page until told to end."""
    with FleetWatch(fleet, PERIOD) as watch, PageServer(fleet, watch.look, port) as server:
        tell(f"page: {server.url}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
        thread.start()
        while not ended():
            time.sleep(0.1)
        server.shutdown()
