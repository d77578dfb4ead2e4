"""The report on deployment as Markdown: fixed sentences, and numbers that come from measurements alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from studies.faults.cells import DELAYS, FREE, LOSSES, FaultCell, lossy_name
from studies.faults.checks import Record
from studies.faults.table import HEAD, NONE, kept, row, sentence
from studies.report.deployment.study import DECLARED, DeploymentStudy
from studies.report.markdown import table


def report(of: DeploymentStudy, results: Mapping[str, Record], machine: str, command: str) -> str:
    """The whole text.

    Args:
        of: What was measured.
        results: Of its cells, by name.
        machine: On which they were made.
        command: With which.
    """
    parts = [
        _INTRODUCTION, _measured(of, machine, command), _short(results), _matrix(results),
        *(_group(of.cells, results, group) for group in _GROUPS), _period(results),
        inexact(of.inexact(), len(of.cells)), _long_run(of, results), _not_kept(results), _LIMITS,
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


_INTRODUCTION = """# Deployment: what a fleet promises, and what was measured

Written by `launch/report.py deployment`; every number in it is measured by that command, or by `make faults`.

Every robot is a process of its own (`launch/deploy.py`); the processes talk over zenoh, and nothing else joins them. \
Their bodies are in one physics world (`launch/physics.py`), which also judges: it counts collisions, gaps and \
deliveries, whatever the robots believe. In each *cell* a fleet is started, something goes wrong with it, and what was \
promised is checked. The code of the robots is the one that drives; what is odd about some of them stands in \
`launch/studies/faults/fault_injection.py`."""

_GROUPS = {
    "network": (
        "Network and clocks",
        "Messages are lost, delayed, repeated and reordered one by one, after zenoh's handshake, in a relay of the "
        "test's own (`launch/studies/faults/proxy.py`); delays are one way. *As TCP shows it*: nothing is lost, but "
        "all that "
        "follows a lost packet waits for its retransmission. A partition cuts half of the robots off from the others; "
        "what was sent before waits for TCP's next retransmission, and new connections go nowhere. *Traffic is back* "
        "when every robot has received something that was sent after healing from each one of the other half. "
        "*Bodies do not sense*: robots have to believe what others report, and wait where they cannot know.",
    ),
    "processes": (
        "Processes",
        "*Braking begins after*: from SIGKILL or SIGSTOP until the body does not execute the last command any more. "
        "*Stands after*: until it stands, less what its motors need from its speed. *Ready after its start*: from the "
        "start of the process (interpreter, libraries, network, journal) until its body executes its first command. "
        "*Its standby drives after*: from SIGKILL until the body executes the first command of the process that "
        "waited, loaded, for this. The 16 robots of a cell are on `envs/maps/warehouse.map`, without the relay.",
    ),
    "input": (
        "Rubbish, liars, versions",
        "An attacker takes the place of one robot's process and sends each kind of rubbish to all others. Liars are "
        "robots that drive as they should and report what is not so: that they are 2 m aside (*place*), that they are "
        "here and there in turns (*jump*), that they go before everybody and somewhere else (*intent*), that an "
        "operator has stopped them (*stop*: with keys, where only what he has signed counts).",
    ),
}  # fmt: skip

_LIMITS = """## What this does not show

- All processes share one machine: no radio, no second clock that drifts. The relay acts on zenoh's batches over plain \
TCP; TLS is tested elsewhere, and not under loss.
- The physics world senses other robots exactly, up to its sensing radius. A body whose sensors err by more than the \
safety margin keeps less distance than here.
- Without keys whoever is on the network can speak in any robot's name, and stop the fleet. With keys he has to be one \
of the roster, and cannot stop it: stops and releases are signed by the operator, and robots only pass them on.
- Whoever floods in a robot's name keeps that robot's own reports from being heard. The others drive around it, slower.
- Liars can keep others waiting: what they hold in their plans is believed as long as their bodies may be near."""


def _measured(of: DeploymentStudy, machine: str, command: str) -> str:
    setup = of.setup
    lines = [
        "## What was measured", "",
        f"- Command: `{command}`; raw results are kept as JSON in `runs/deployment/`, and `--reuse` takes them.",
        f"- Machine: {machine}. All measurements together: {of.lab.seconds / 60.0:.0f} minutes.",
        f"- {setup.robots} robots on `envs/maps/{setup.map}`, planner `{setup.planner}`, controller "
        f"`{setup.controller}`, seed {setup.seed}; faults last {of.seconds:g} s "
        "where they have no length of their own.",
        "- Deliveries are counted in simulated minutes while the fault lasts. A cell has few of them (seconds, not "
        "minutes, and a handful of robots): differences of a third between cells can be chance.",
        "- The smallest gap is from surface to surface, of robots and walls. Gaps below 0 would be collisions.",
    ]  # fmt: skip
    if of.lab.of_other_code:
        lines.append(f"- **{of.lab.of_other_code} results were measured with an older state of the code.**")
    return "\n".join(lines)


def _short(results: Mapping[str, Record]) -> str:
    """Each promise once, with its worst figure."""
    worst: dict[str, tuple[Record, int, int]] = {}
    for result in results.values():
        for check in result["checks"]:
            before, cells, broken = worst.get(check["promise"], (check, 0, 0))
            worst[check["promise"]] = _worse(before, check), cells + 1, broken + (not check["kept"])
    rows = [
        [promise, _figure(check), check["limit"], str(cells), "yes" if not broken else f"**not in {broken}**"]
        for promise, (check, cells, broken) in worst.items()
    ]
    head = ("promise", "worst", "has to be", "cells", "kept")
    return "## In short\n\n" + table(head, rows)


def _worse(one: Record, other: Record) -> Record:
    if one["kept"] != other["kept"]:
        return other if one["kept"] else one
    if one["measured"] is None or other["measured"] is None:
        return one if one["measured"] is None else other
    smaller, larger = sorted((one, other), key=lambda check: check["measured"])
    return smaller if one["limit"].startswith("≥") else larger


def _figure(check: Record) -> str:
    return NONE if check["measured"] is None else f"{check['measured']:.4g}"


def _matrix(results: Mapping[str, Record]) -> str:
    """Loss and delay: deliveries a minute, and the smallest gap."""
    rows = []
    for delay in DELAYS:
        cells = [results.get(lossy_name(loss, delay), {}) for loss in LOSSES]
        rows.append([f"{1e3 * delay:g} ms", *(_pace(cell) for cell in cells)])
    head = ("delay, one way", *(f"loss {100.0 * loss:g} %" for loss in LOSSES))
    collided = sum(cell["checks"][0]["measured"] or 0 for cell in results.values() if "error" not in cell)
    return (
        f"## Loss and delay\n\nDeliveries a minute, and in brackets the smallest gap. Collisions in all cells of this "
        f"report together: {collided:g}.\n\n{table(head, rows)}"
    )


def _pace(cell: Record) -> str:
    if "deliveries_a_minute" not in cell:
        return NONE
    return f"{cell['deliveries_a_minute']:.1f} [{1e3 * cell['min_clearance_m']:.0f} mm]"


def _group(cells: Iterable[FaultCell], results: Mapping[str, Record], group: str) -> str:
    title, text = _GROUPS[group]
    plain = {lossy_name(loss, delay) for loss in LOSSES for delay in DELAYS} - {FREE}
    shown = [cell.name for cell in cells if cell.group == group and cell.name in results and cell.name not in plain]
    rows = [[name, *row(results[name], results.get(FREE))] for name in shown]
    return f"## {title}\n\n{text}\n\n{table(HEAD, rows)}"


def _period(results: Mapping[str, Record]) -> str:
    """Times of the cell with many robots."""
    result = results.get("16 robots")
    if result is None or "error" in result:
        return "## Period of 16 robots\n\nNot measured."
    rows = [
        [what, *(f"{result['notes'][key][q]:.2f}" for q in ("p50", "p90", "p99", "p99.9"))]
        for what, key in (
            ("work of a period, processor time, ms", "used_ms"),
            ("the same by the clock, ms", "took_ms"),
            ("begins late by, ms", "late_ms"),
        )
    ]
    checks = "; ".join(sentence(check) for check in result["checks"])
    return (
        "## Period of 16 robots\n\n16 control processes and the physics world on this machine; all robots together:\n\n"
        f"{table(('', '50 %', '90 %', '99 %', '99.9 %'), rows)}\n\n{checks}. "
        f"Deliveries a minute: {result['deliveries_a_minute']:.1f}. Time that the physics world lost, since the "
        f"machine did not keep up: {result['lost_s']:g} of {result['simulated_s'] + result['lost_s']:.0f} s."
    )


def inexact(results: Mapping[str, Record], cells: int) -> str:
    """The section on bodies that are not exact.

    Args:
        results: Of the cells that have been made so, by name.
        cells: How many there are.
    """
    options = ",".join(f"{key}={value}" for key, value in DECLARED.declared().items())
    command = f"`python launch/faults.py --errors {options}`"
    if not results:
        return f"## Declared errors\n\nNot measured yet: {command}."
    collided = sum(result["checks"][0]["measured"] or 0 for result in results.values() if "error" not in result)
    return (
        f"## Declared errors\n\nThe same cells where bodies and what they measure are not exact "
        f"({DECLARED.describe()}), "
        f"and the robots know it: {command}. {len(results)} of {cells} cells were made so; collisions in all of them "
        f"together: {collided:g}.\n\n"
        + table(HEAD, [[name, *row(result, results.get(FREE))] for name, result in results.items()])
        + "\n\n### Not kept with declared errors\n\n"
        + _broken(results)
    )


def _long_run(of: DeploymentStudy, results: Mapping[str, Record]) -> str:
    """The soak, if it was made."""
    result = results.get(of.long_run.name)
    if result is None:
        return f"## Long run\n\nNot measured yet: `python launch/faults.py soak --minutes {of.minutes:g}`."
    checks = "\n".join(f"- {sentence(check)}" for check in result["checks"])
    setup = of.long_run.setup
    return (
        f"## Long run\n\n{setup.robots} robots on `envs/maps/{setup.map}`, "
        f"{result['simulated_s'] / 60.0:.0f} simulated minutes, {result['notes']['kills']} kills; "
        f"{result['deliveries_a_minute']:.1f} deliveries a minute. "
        "Goals are near each other there, so that a pause in the deliveries is a stop and not chance; between the "
        f"shelves of the warehouse chance alone makes pauses of ten seconds.\n\n{checks}"
    )


def _not_kept(results: Mapping[str, Record]) -> str:
    return "## What is not kept\n\n" + _broken(results)


def _broken(results: Mapping[str, Record]) -> str:
    """Promises that were not kept, one a line."""
    lines = [
        f"- {name}: {result['error'].splitlines()[0] if 'error' in result else sentence(check)}"
        for name, result in results.items() if not kept(result)
        for check in result["checks"] if not check["kept"]
    ]  # fmt: skip
    return "\n".join(lines) or "In these measurements everything was kept."
