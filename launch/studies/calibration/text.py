"""A calibration for people: a table of values with intervals, notes, and the YAML to paste."""

from __future__ import annotations

import decimal
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from studies.calibration.calibrate import Calibration
from studies.calibration.interval import Estimate
from swarm.model.error_bounds import ErrorBounds

SIGMAS = 3.0
"""Standard deviations of a bound: 2.7 in 1000 normal numbers are outside."""
# Name, unit of people, and factor to it.
_SHOWN = {
    "dead_time": ("dead time", "ms", 1e3), "lag": ("lag (time constant)", "ms", 1e3),
    "slip": ("slip, share of the way", "%", 1e2), "position": ("noise of the position", "mm", 1e3),
    "heading": ("noise of the heading", "deg", math.degrees(1.0)), "velocity": ("noise of the velocity", "mm/s", 1e3),
    "rate": ("states a second", "1/s", 1.0), "age": ("age of a state, mean", "ms", 1e3),
    "speed": ("top speed used", "m/s", 1.0), "acceleration": ("acceleration used", "m/s²", 1.0),
    "turn_rate": ("turn rate used", "rad/s", 1.0),
}  # fmt: skip
_NOISES = ("position", "heading", "velocity")
_ON_TOP = "add what the position is off by all the time: no log shows that"


def table_of(robot: int, found: Calibration) -> Table:
    """Every value with its interval."""
    seconds = float(found.windows.real.sum()) / found.values["rate"].value
    table = Table(
        title=f"robot {robot}: {found.drive.kind.label}, {seconds:.0f} s in {len(found.windows.index)} windows"
    )
    for heading in ("", "value", "95 % interval", ""):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, (words, unit, factor) in _SHOWN.items():
        estimate = found.values.get(name)
        if estimate is None:
            table.add_row(words, "not shown", "", "")
        else:
            low, high = factor * estimate.low, factor * estimate.high
            table.add_row(words, f"{factor * estimate.value:.4g}", f"{low:.4g} to {high:.4g}", unit)
    if found.timing.oldest is not None:
        table.add_row("oldest state", f"{1e3 * found.timing.oldest:.4g}", "", "ms")
    table.add_row("longest between two states", f"{1e3 * found.timing.gap:.4g}", "", "ms")
    return table


def errors_of(found: Sequence[Calibration]) -> ErrorBounds:
    """What to declare for robots that share a file: the largest bounds; of dead time and lag, the mean."""
    bounds: dict[str, Any] = {}
    for name in _NOISES:
        seen = [one.values[name].value for one in found if name in one.values]
        if seen:
            bounds[name] = rounded(SIGMAS * max(seen))
    slips = [max(-one.values["slip"].low, one.values["slip"].high) for one in found if "slip" in one.values]
    if slips:
        bounds["slip"] = min(rounded(max(slips)), 0.99)
    ages = [age for one in found if (age := _oldest(one)) is not None]
    if ages:
        bounds["age"] = rounded(max(max(ages), 0.0))
    for name in ("dead_time", "lag"):
        values = [one.values[name].value for one in found if name in one.values]
        if values:
            bounds[name] = round(sum(values) / len(values), 4)
    return ErrorBounds(**bounds)


def _oldest(found: Calibration) -> float | None:
    """Largest age at use; a state that is recorded when it arrives waits at most until the next one."""
    if found.timing.oldest is None:
        return None
    return found.timing.oldest if found.drive.used else found.timing.oldest + found.timing.gap


def yaml_of(found: Mapping[int, Calibration]) -> str:
    """``errors:`` and ``limits:`` of all these robots, to paste."""
    every = list(found.values())
    errors, lines = errors_of(every), ["errors:"]
    about = dict.fromkeys(_NOISES, f"{SIGMAS:g} standard deviations")
    about["position"] += f"; {_ON_TOP}"
    about |= {"age": "the oldest state", "slip": "the larger end of its interval", "dead_time": "", "lag": ""}
    units = {"position": "m", "heading": "rad", "velocity": "m/s", "age": "s", "dead_time": "s", "lag": "s"}
    for name, words in about.items():
        if all(_is_missing(one, name) for one in every):
            lines.append(f"  # {name}: not shown by this drive; measure it otherwise")
            continue
        differ = "robots differ" if _disagree([one.values[name] for one in every if name in one.values]) else ""
        differ = differ if name in ("dead_time", "lag") else ""
        comment = ", ".join(part for part in (units.get(name, "share"), words, differ) if part)
        lines.append(f"  {name}: {getattr(errors, name):.4g}  # {comment}")
    lines.append("  # sensing, latency, loss: of others and of messages; this log of own states does not show them")
    for kind in sorted({one.drive.kind for one in every}):
        used = {
            name: min(one.values[name].value for one in every if one.drive.kind == kind and name in one.values)
            for name in ("speed", "acceleration", "turn_rate")
            if any(name in one.values for one in every if one.drive.kind == kind)
        }
        if used:
            lines.append(f"limits:  # {kind.label}: as far as the drive used them")
            lines += [f"  {name}: {rounded(value, up=False):.4g}" for name, value in used.items()]
    return "\n".join(lines)


def _is_missing(found: Calibration, name: str) -> bool:
    return found.timing.oldest is None if name == "age" else name not in found.values


def _disagree(estimates: Sequence[Estimate]) -> bool:
    """Whether some intervals have nothing in common."""
    return bool(estimates) and max(one.low for one in estimates) > min(one.high for one in estimates)


def rounded(value: float, *, up: bool = True) -> float:
    """Three digits, to the side on which a bound still holds."""
    side = decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR
    return float(decimal.Context(prec=3, rounding=side).create_decimal(value))
