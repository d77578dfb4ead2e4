"""What the declared errors of a robot ask for, for people: the margin, and what it costs."""

from __future__ import annotations

import math

from swarm.array_types import Array
from swarm.model.body import ARM, GROWTH, MARGIN, TOP_SPEED, error_of, fastest_over_ground
from swarm.model.error_bounds import ErrorBounds
from swarm.model.sensing_range import range_for_team
from swarm.runtime.fleet_file.read import FleetFile
from swarm.runtime.fleet_file.roster import HOLD_AGE, loss_run, oldest_news
from swarm.scenario.strangers_sensed import range_for_strangers, rounded_up


def needs_of(fleet: FleetFile, robot: int) -> list[str]:
    """What the errors of a robot ask for, and what it drives with, for people; without any, what the margin covers."""
    errors, spec, scenario = fleet.errors_of(robot), fleet.scenario.robots[robot], fleet.scenario
    if not errors.any:
        covered = fleet.margin / fastest_over_ground(int(spec.kind), spec.limits.speed)
        return [
            f"needs       a margin for old states, late commands and slow motors together, as no errors are declared: "
            f"{_mm(fleet.margin)} are driven in {_ms(round(covered, 4))}"
        ]
    body = spec.body(dt=scenario.dt, sensing_radius=scenario.sensing_radius, margin=fleet.margin, errors=errors)
    needed = error_of(spec.kind, spec.limits.speed, spec.limits, scenario.dt, errors, float(body[ARM]))
    late = f"a state {_ms(errors.age)} old, dead time {_ms(errors.dead_time)} and a period of {_ms(scenario.dt)}"
    slower = "" if body[TOP_SPEED] >= spec.limits.speed else f" of {spec.limits.speed:g}"
    return [
        f"needs       a margin of {_mm(needed)} for {late}",
        f"keeps       a margin of {_mm(body[MARGIN])}, where {_mm(fleet.margin)} are declared, and "
        f"{_mm(body[GROWTH])} more for each period that news is late",
        *_news(errors, body, scenario.dt),
        f"drives      at most {body[TOP_SPEED]:.3g}{slower} m/s, by a sensing radius of {scenario.sensing_radius:g} m",
    ]


def senses_of(fleet: FleetFile, robot: int) -> str:
    """How far a robot has to sense whoever is only sensed, for people: of its team, and strangers; empty if nobody is.

    Strangers are as large as the largest of the team, and as fast as the fastest where no speed is declared.
    """
    roster, errors, strangers, scenario = fleet.roster(), fleet.errors_of(robot), fleet.strangers, fleet.scenario
    specs, parts = scenario.robots, []
    if errors.others == "sensed" and len(roster) > 1:
        me = roster[robot].body
        need = max(range_for_team(me, peer.body, errors) for other, peer in roster.items() if other != robot)
        parts.append(f"its team asks for {rounded_up(need):g} m")
    need = range_for_strangers(scenario, specs[robot : robot + 1], specs, errors, strangers, fleet.margin)
    if need > 0.0:
        speed = strangers.speed or max(fastest_over_ground(int(one.kind), one.limits.speed) for one in specs)
        last = "" if strangers.speed else ", the fastest here (faster ones for more),"
        parts.append(f"strangers of up to {speed:.3g} m/s{last} ask for {rounded_up(need):g} m")
    return f"senses      {scenario.sensing_radius:g} m; where robots are sensed, {', '.join(parts)}" if parts else ""


def _news(errors: ErrorBounds, body: Array, dt: float) -> list[str]:
    """How old news of others becomes by the declared latency and loss, and how much more others are kept away from."""
    if not errors.latency and not errors.loss:
        return []
    run = loss_run(errors.loss)
    ages = [errors.age + oldest_news(errors, dt, lost) for lost in (0, run)]
    wider = [float(body[GROWTH]) * age / dt for age in ages]
    lost = f" ({_ms(ages[0])} with none lost, {run} in a row at a loss of {100.0 * errors.loss:g} %)" if run else ""
    more = f"{_mm(wider[1])} more around others" + (f" ({_mm(wider[0])} with none lost)" if run else "")
    waits = f"; from {_ms(HOLD_AGE)} on who is near is waited for" if ages[1] > HOLD_AGE else ""
    return [f"hears       news up to {_ms(ages[1])} old{lost}: {more}{waits}"]


def _mm(metres: float) -> str:
    """Millimetres, rounded up to a tenth."""
    return f"{math.ceil(1e4 * metres - 1e-6) / 10.0:g} mm"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.6g} ms"
