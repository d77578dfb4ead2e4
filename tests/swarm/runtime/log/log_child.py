"""Logs as a control process does until it is killed; prints the number of each period when it has handed it over."""

import sys
import time
from pathlib import Path

from oracles.logged import Pair, make_fleet

from swarm.runtime.log.writer import PeriodLog

folder = Path(sys.argv[1])
pair = Pair(make_fleet(folder), time.monotonic())
with PeriodLog(folder / "first", pair.fleet.name, pair.fleet.scenario, 0, 1) as first:
    for _ in range(3):  # Kernels that have to be compiled first make such a period last for minutes.
        first.add(pair.controls[0], pair.tick()[0])
log = PeriodLog(folder / "logs", pair.fleet.name, pair.fleet.scenario, 0, 1)
while True:
    pair.time = time.monotonic()
    log.add(pair.controls[0], pair.tick()[0])
    print(round(1e6 * (pair.time - 0.05)), flush=True)
    time.sleep(0.04)
