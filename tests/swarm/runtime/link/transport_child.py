"""A robot in a process of its own: publishes 20 times a second, and prints what it hears of whom.

Arguments, as JSON: ``fleet``, ``robot``, ``endpoints``; ``keys``, ``size`` (bytes), ``seconds`` where given.
A line is printed for the first message of each robot, and a last one with figures when the time is over.
"""

import json
import sys
import time
from pathlib import Path

from swarm.runtime.link.transport import Transport

told = json.loads(sys.argv[1])
endpoints = {int(robot): endpoint for robot, endpoint in told["endpoints"].items()}
keys = Path(told["keys"]) if told.get("keys") else None
end = time.monotonic() + told.get("seconds", 60.0)
heard: dict[int, int] = {}
delays: list[float] = []
slowest = 0.0
with Transport(told["fleet"], told["robot"], endpoints, keys=keys) as transport:
    print("open", flush=True)
    due = time.monotonic()
    while time.monotonic() < end:
        before = time.monotonic()
        transport.publish(b"%.6f" % before + b" " * (told.get("size", 300) - 16))
        slowest = max(slowest, time.monotonic() - before)
        for robot, data, arrived in transport.drain():
            if robot not in heard:
                print("hears", robot, flush=True)
            heard[robot] = heard.get(robot, 0) + 1
            delays.append(arrived - float(data.split()[0]))  # one clock: all processes are on this machine
        due = max(due + 0.05, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
    print("end", json.dumps({"heard": heard, "delays": delays[len(delays) // 4 :], "slowest": slowest}), flush=True)
