"""Results of the fault suite, row by row: for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.table import Table

from studies.faults.cells import FREE, FaultCell
from studies.faults.checks import Record

HEAD = ("cell", "kept", "collisions", "smallest gap", "deliveries a minute", "of no fault", "what was promised")
NONE = "–"


def kept(result: Record) -> bool:
    """Whether a cell kept all that is promised."""
    return all(check["kept"] for check in result["checks"])


def rows(results: Mapping[str, Record], cells: Iterable[FaultCell]) -> list[list[str]]:
    """Cells of the table, one list a row, below ``HEAD``.

    Args:
        results: Of cells, by name.
        cells: Which to show; those without a result are left out.
    """
    return [row(results[cell.name], results.get(FREE)) for cell in cells if cell.name in results]


def row(result: Record, free: Record | None) -> list[str]:
    """The columns of one cell but for its name."""
    checks = result["checks"]
    share = f"{sum(check['kept'] for check in checks)} of {len(checks)}"
    if "error" in result:
        return [share, *[NONE] * 4, result["error"].splitlines()[0][:160]]
    collisions, *others = checks
    rate, of = result["deliveries_a_minute"], NONE
    if free is not None and free.get("deliveries_a_minute"):
        of = f"{100.0 * rate / free['deliveries_a_minute']:.0f} %"
    gap = result["min_clearance_m"]
    return [
        share, str(collisions["measured"]), NONE if gap is None else f"{1e3 * gap:.0f} mm", f"{rate:.1f}", of,
        "; ".join(map(sentence, others)) or NONE,
    ]  # fmt: skip


def sentence(check: Record) -> str:
    """A promise, what was measured, and what it has to be."""
    measured = NONE if check["measured"] is None else f"{check['measured']:.4g}"
    text = f"{check['promise']}: {measured} ({check['limit']})"
    return text if check["kept"] else f"NOT KEPT: {text}"


def for_terminal(results: Mapping[str, Record], cells: Iterable[FaultCell]) -> Table:
    """The table that is printed."""
    table = Table(title="Fault suite", show_lines=False)
    for k, name in enumerate(HEAD):
        table.add_column(name, justify="left" if k in (0, len(HEAD) - 1) else "right", overflow="fold")
    for cell in cells:
        if cell.name in results:
            result = results[cell.name]
            style = None if kept(result) else "bold red"
            table.add_row(cell.name, *row(result, results.get(FREE)), style=style)
    return table
