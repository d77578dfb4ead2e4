"""What a simulation says in the terminal when it is over."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from envs.rollout.run import Run


def table_of(run: Run, result: dict[str, Any], *, film: bool) -> Table:
    """The figures of a run for the terminal; ``film``: whether one was made meanwhile."""
    steps = sum(result["qp"].values())
    table = Table(title=f"{result['scenario']}: {result['robots']} robots, {run.time:.0f} s", show_header=False)
    if run.lifelong:
        table.add_row("deliveries", f"{result['deliveries']}")
        table.add_row("deliveries per minute", f"{result['deliveries_per_minute']:.1f}")
        if result["deliveries_alone"]:
            share = result["deliveries"] / result["deliveries_alone"]
            table.add_row("… of what each would make alone", f"{result['deliveries_alone']} ({100.0 * share:.0f} %)")
        table.add_row("longest without a delivery", f"{result['longest_wait']:.1f} s")
    else:
        table.add_row("arrived", f"{int(run.reached.sum())} of {result['robots']}")
    if result["delays"]:
        table.add_row("held by delays", "{holds} times, {robot_seconds:.0f} robot-seconds".format(**result["delays"]))
    table.add_row("collisions", f"{result['collisions']}")
    if not run.ours.all():
        contacts = f"{result['contacts_moving']} moving, {result['contacts_standing']} standing"
        table.add_row("contacts with strangers, of ours that were", contacts)
    table.add_row("smallest clearance", f"{100.0 * result['min_clearance']:.1f} cm")
    for outcome, count in result["qp"].items():
        table.add_row(f"QP {outcome}", f"{count} ({100.0 * count / max(steps, 1):.2f} %)")
    times = result["step_ms"]
    table.add_row("control time per robot", f"p50 {times['p50']:.2f} ms, p99 {times['p99']:.2f} ms")
    table.add_row("real-time factor", f"{result['real_time_factor']:.1f}{' (film included)' if film else ''}")
    return table
