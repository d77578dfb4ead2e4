"""Tables of measurements as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from envs.arena.episodes import Episodes
from envs.commands.intervals import difference_interval, mean_interval, rate_interval
from studies.report.jobs import Record
from swarm.array_types import AnyArray, Array, Flags

NONE = "–"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def pictures(folder: str, found: Iterable[tuple[str, str]]) -> str:
    """Pictures of a folder beside the report, by file names, each with its caption below."""
    return "\n\n".join(f"![{Path(name).stem}]({folder}/{name})\n\n*{caption}*" for name, caption in found)


def rate(hits: Flags, counted: Flags | None = None) -> str:
    """A rate in % with its 95 % interval."""
    value = hits.mean() if counted is None else hits[counted].mean()
    low, high = rate_interval(hits, counted)
    return f"{100.0 * value:.2f} [{100.0 * low:.1f}, {100.0 * high:.1f}]"


def success(episodes: Episodes) -> str:
    """Success in % with its interval."""
    return rate(episodes.success, episodes.counted)


def mean(values: Array, counted: Flags) -> str:
    """A mean with its 95 % interval."""
    low, high = mean_interval(values, counted)
    return f"{values[counted].mean():.2f} [{low:.2f}, {high:.2f}]"


def difference(first: AnyArray, second: AnyArray, counted: Flags, *, rates: bool = True, scale: float = 1.0) -> str:
    """How much more the first is, on the same episodes, with its 95 % interval."""
    value = scale * (first[counted].mean() - second[counted].mean())
    low, high = (scale * end for end in difference_interval(first, second, counted, rates=rates))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def outcomes(episodes: Episodes) -> str:
    """Shares of the QP's outcomes in %: optimal / relaxed / braking."""
    counts = episodes.outcomes.sum(axis=0)
    return " / ".join(f"{100.0 * count / max(1, counts.sum()):.2f}" for count in counts)


def row(episodes: Episodes, *, lifelong: bool = False, filtered: bool = True) -> list[str]:
    """The cells of ``HEAD`` (of ``LIFELONG_HEAD``) for one method."""
    ours = episodes.counted
    if lifelong:
        pace = 60.0 * episodes.deliveries / episodes.horizon[:, None]
        arrivals = [mean(pace, ours)]
    else:
        arrivals = [rate(episodes.reached, ours), success(episodes), mean(episodes.time, ours)]
    gap = f"{1e3 * max(episodes.min_clearance.min(), 0.0):.2f}" if episodes.safe.all() else "touched"
    return [rate(episodes.safe), *arrivals, gap, outcomes(episodes) if filtered else NONE]


_END = ("smallest gap, mm", "QP optimal / relaxed / braking, %")
HEAD = ("", "safe, %", "reached, %", "success, %", "time to goal, s", *_END)
LIFELONG_HEAD = ("", "safe, %", "deliveries of a robot in a minute", *_END)


def milliseconds(result: Record) -> list[str]:
    """Decision times: the whole, then its parts."""
    return [f"{result[name]:.2f}" for name in ("p50", "p99", "plan", "observe", "network", "filter")]
