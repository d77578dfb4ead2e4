"""The browser page of a fleet: what is served to whom, and what a person sees in a real browser."""

import http.client
import json
import math
import socket
import threading
import time
from dataclasses import replace

import pytest
from chromium import Chromium, find_chromium
from oracles.project import ROOT

from swarm.explanation import Override
from swarm.fleet.page import MOST, PageServer
from swarm.fleet.watch import FleetSnapshot, Watched, World
from swarm.runtime.fleet_file.read import load_fleet
from swarm.runtime.link.status import Status

TUNABLES = (6.0, 1.5, 2.0, 1.0, 0.4, 0.8)


def a_status(robot, x, y, goal, **told):
    state = (x, y, 0.1, 0.4, 0.0)
    told = {"reason": "moving", "waypoint": (x + 0.8, y), "tunables": TUNABLES, "control": (0.4, 0.1)} | told
    return Status(robot, 7, state=state, goal=goal, outcome="optimal", tick=40, late_ms=1.2, took_ms=4.5, **told)


class Played:
    """A fleet of six that somebody made up; robot 0 drives to and fro, the others stand."""

    def __init__(self):
        self.began, self.silent_for, self.stopped = time.monotonic(), 4.0, False
        barrier = Override("robot", 2, 0.07, (5.2, 9.5), 0.61)
        self.robots = [
            a_status(0, 2.5, 2.5, (18.5, 2.5), ages=((1, 0.04),)),
            a_status(1, 4.5, 9.5, (12.5, 14.5), ages=((2, 0.05), (4, 0.31), (3, 4.0), (5, math.inf)), override=barrier),
            a_status(2, 5.2, 9.5, (2.5, 5.5), reason="waits for robot 3", rejected={"flooding": 12, "jump": 1}),
            a_status(3, 6.4, 9.5, (2.5, 12.5)),
            a_status(4, 15.5, 6.5, (9.5, 2.5), notes=("robot 3 <b>runs</b> another policy",)),
            None,
        ]  # fmt: skip

    def look(self):
        now = time.monotonic()
        x = 8.0 + 5.0 * math.sin(0.5 * (now - self.began))
        bodies = [(x, 2.5, 0.0, 1.0), (4.5, 9.5, 0.0, 0.1), (5.2, 9.5, 3.1, 0.0), (6.4, 9.5, 2.0, 0.0),
                  (15.5, 6.5, 1.0, 0.0), (18.5, 12.5, 0.0, 0.0)]  # fmt: skip
        robots = [replace(self.robots[0], override=Override("obstacle", -1, 0.2, (x, 3.0), 0.2)), *self.robots[1:]]
        watched = []
        for robot, status in enumerate(robots):
            one = Watched(linked=robot != 3, place=(0.0, 0.0), since=now - (7.0 if robot == 4 else 1.0))
            if status is not None:
                status = replace(status, stopped=self.stopped)
                one.status, one.heard = status, now - (self.silent_for if robot == 3 else 0.05)
                one.override = (status.override, one.heard) if status.override else None
            watched.append(one)
        world = World(63.2, 0.3, 0, 41, 0.081, self.stopped, tuple(bodies), (9, 8, 8, 7, 9, 0), now)
        return FleetSnapshot(now, tuple(watched), world, {"malformed status": 2}, True)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    path = tmp_path_factory.mktemp("fleet") / "fleet.yaml"
    path.write_text(
        f"fleet: six\ndeliveries: {{map: {ROOT}/envs/maps/warehouse.map, robots: 6, seed: 1, seconds: 30}}\n"
        "planner: cells\ncontroller: tuner\nmargin: 0.06\ndriver: bullet\nendpoints: 17400\nphysics: 127.0.0.1:17390\n"
    )
    return load_fleet(path)


@pytest.fixture
def played():
    return Played()


@pytest.fixture
def server(fleet, played):
    with PageServer(fleet, played.look) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def ask(server, path, method="GET", **headers):
    """Status, headers and body of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30.0)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def test_the_page_and_what_does_not_change_are_served(server):
    status, headers, body = ask(server, "/")
    policy = headers["Content-Security-Policy"]
    assert status == 200 and body.startswith(b"<!doctype html>") and "default-src 'none'" in policy
    assert policy.count("sha256-") == 2 and "unsafe" not in policy and headers["X-Content-Type-Options"] == "nosniff"
    assert b"http://" not in body and b"https://" not in body and b"innerHTML" not in body
    assert len(body.splitlines()) < 400
    status, headers, body = ask(server, "/fleet.json")
    told = json.loads(body)
    assert status == 200 and headers["Content-Type"] == "application/json"
    assert told["name"] == "six" and len(told["robots"]) == 6 and len(told["boxes"]) > 5 and len(told["tunables"]) == 6


@pytest.mark.parametrize("path", ["/index.html", "/events/", "/../fleet.json", "/fleet.json?x", "/%2e", "/page.py"])
def test_nothing_else_is_served(server, path):
    assert ask(server, path)[0] == 404


def test_it_only_reads(server):
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        assert ask(server, "/", method)[0] == 501


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "", "[::1]", None])
def test_a_request_by_another_name_is_refused(server, host):
    """DNS rebinding: a foreign page lets its own name point to 127.0.0.1; the browser then sends that name."""
    head = "GET /fleet.json HTTP/1.0\r\n" + ("" if host is None else f"Host: {host}\r\n")
    with socket.create_connection(("127.0.0.1", server.server_port), 5.0) as link:
        link.sendall(f"{head}\r\n".encode())
        answer = b"".join(iter(lambda: link.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.0 403") and b"six" not in answer
    assert ask(server, "/fleet.json", Host=f"localhost:{server.server_port}")[0] == 200


def stream(server):
    link = socket.create_connection(("127.0.0.1", server.server_port), 5.0)
    link.sendall(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode())
    return link


def events(link, count):
    """So many events, and the seconds from the first to the last."""
    data, times = b"", []
    while len(times) < count:
        data += link.recv(1 << 16)
        while len(times) < data.count(b"\n\n"):
            times.append(time.monotonic())
    parts = [part for part in data.split(b"\n\n") if b"data: " in part]
    return [json.loads(part.split(b"data: ")[1]) for part in parts[:count]], times[-1] - times[0]


def test_events_tell_how_everybody_is(server):
    with stream(server) as link:
        told, took = events(link, 11)
    assert took > 0.5  # ten a second
    robots = told[0]["robots"]
    assert [robot["is"] for robot in robots] == ["drives", "drives", "held", "silent", "waits", "silent"]
    assert robots[1]["why"] == "slowed by robot 2, 0.07 m away" and robots[1]["override"]["neighbour"] == 2
    assert robots[2]["why"] == "waits for robot 3" and "its process is gone" in robots[3]["why"]
    assert robots[1]["ages"][-1] == [5, None] and robots[5]["age"] is None
    assert told[0]["world"]["deliveries"] == 41 and told[0]["lost"] == {"malformed status": 2}
    assert told[0]["robots"][0]["pose"] != told[-1]["robots"][0]["pose"]


def test_pages_that_do_not_go_away_are_bounded_and_others_go_on(server):
    links = [stream(server) for _ in range(MOST)]
    try:
        for link in links:
            events(link, 1)
        with stream(server) as one_more:
            assert one_more.recv(4096).startswith(b"HTTP/1.0 503")
        assert ask(server, "/")[0] == 200
        links.pop().close()
        end = time.monotonic() + 30.0
        while time.monotonic() < end:
            with stream(server) as again:
                if again.recv(4096).startswith(b"HTTP/1.0 200"):
                    return
            time.sleep(0.1)
        pytest.fail("the place of a page that has gone is not free again")
    finally:
        for link in links:
            link.close()


# -- in a browser ---------------------------------------------------------------------------------------------------

in_a_browser = pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed (apt install chromium)")


@in_a_browser
def test_a_person_sees_who_is_stuck_and_why(server, played, tmp_path):
    with Chromium(server.url, tmp_path / "profile") as page:
        page.until("document.querySelectorAll('#list button').length === 6 && frames > 3")
        text = page.run("document.body.innerText")
        for shown in ("six", "2 silent", "1 held", "1 waiting", "2 driving", "41 deliveries", "0 collisions"):
            assert shown in text, shown
        assert page.run("document.querySelector('#list button').innerText").split()[:2] == ["3", "silent"]
        assert page.run("document.documentElement.scrollHeight <= 720 && document.documentElement.scrollWidth <= 1280")
        # A click on robot 1, which stands at (4.5, 9.5): its barriers, and why its command was changed.
        x, y = page.run("[sx(4.5) + canvas.getBoundingClientRect().x, sy(9.5) + canvas.getBoundingClientRect().y]")
        page.click(x, y)
        details = page.until("$('details').innerText.includes('Robot 1') && $('details').innerText")
        for shown in ("slowed by robot 2, 0.07 m away", "robot gain", "6.00 1/s", "4: 310 ms", "5: never"):
            assert shown in details, shown
        share = page.run("parseFloat(document.querySelector('.tunable u').style.width)")
        assert share == pytest.approx(100 * math.log(6.0 / 0.2) / math.log(20.0 / 0.2), abs=1.0)
        # The line to robot 2, in the colour of overrides, half way between the two bodies.
        drawn = "[...pen.getImageData(view.ratio * (sx(4.85)), view.ratio * sy(9.5), 1, 1).data.slice(0, 3)]"
        assert page.run(drawn) == [0xC0, 0x1F, 0x35]
        page.screenshot(tmp_path / "page.png")
        assert (tmp_path / "page.png").stat().st_size > 20_000
        # A note is text, whatever a robot puts into it.
        page.run("choose(4)")
        assert "<b>runs</b>" in page.until("$('details').innerText.includes('Robot 4') && $('details').innerText")
        # The wheel: nearer, and what is under the mouse stays there.
        under = "[(300 - view.left) / view.scale, (view.top - 400) / view.scale]"
        before = page.run(under)
        corner = page.run("[canvas.getBoundingClientRect().x, canvas.getBoundingClientRect().y]")
        for nearer in (2.0, 6.0):
            wheel = {"x": corner[0] + 300, "y": corner[1] + 400, "deltaX": 0, "deltaY": -500 * math.log(3.0)}
            page.call("Input.dispatchMouseEvent", type="mouseWheel", **wheel)
            page.until(f"zoom.times > {nearer}")
            time.sleep(0.1)
            assert page.run(under) == pytest.approx(before, abs=0.05)
        page.screenshot(tmp_path / "near.png")
        played.stopped = True
        page.until("$('alarm').innerText.includes('EMERGENCY STOP')")
        assert page.complaints() == []


@in_a_browser
def test_robots_move_smoothly_and_a_lost_connection_is_said(server, tmp_path):
    with Chromium(server.url, tmp_path / "profile", dark=True) as page:
        page.until("frames > 3 && tracks.length === 6 && tracks[0].length > 6")
        spots = "Array.from({length: 8}, (_, k) => place(0, performance.now() - DELAY - 30 * k)[0])"
        xs = page.run(spots)
        assert len({round(x, 5) for x in xs}) == 8  # events come every 100 ms, places between them are interpolated
        assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(18, 22, 28)"
        server.shutdown()
        server.event = lambda: (_ for _ in ()).throw(OSError)
        page.until("$('alarm').innerText.includes('what you see is old')")
