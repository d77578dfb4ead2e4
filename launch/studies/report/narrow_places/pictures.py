"""The pictures of the report on narrow places."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from envs.arena.episodes import Track
from studies.report import figures
from studies.report.narrow_places.measurements import track_of
from studies.report.narrow_places.study import FILMS, NarrowPlacesStudy

_WIDTH = 6.4  # inches
_CAPTIONS = {
    "door": "Rooms with doors for one robot",
    "lane": "A lane with bays: who has waited longer goes through, the other waits in a bay",
    "parked": "A robot that is switched off (grey) stands in one of two lanes: the others take the free one",
}


def draw_pictures(of: NarrowPlacesStudy, folder: Path) -> list[tuple[str, str]]:
    """Draw them all into a folder; returns file names and captions."""
    found = []
    for name in FILMS:
        job = of.film_job(name)
        result = of.lab[job]
        track = track_of(job.options, result)
        seconds = (len(track.state) - 1) * track.scenario.dt
        title = f"{result['reached']} of {result['of']} robots arrive, {seconds:.1f} s"
        _draw(folder / f"{name}.png", track, title)
        found.append((f"{name}.png", f"{_CAPTIONS[name]}; {title}. Diamonds are goals, trails begin pale."))
    return found


def _draw(path: Path, track: Track, title: str) -> None:
    """One episode, as wide as a page."""
    xmin, ymin, xmax, ymax = track.scenario.world.bounds
    height = min(_WIDTH * (ymax - ymin) / (xmax - xmin), _WIDTH)
    figure = Figure(figsize=(_WIDTH, height + 0.4), dpi=100, layout="constrained")
    figures.draw_track(figure.subplots(), track, title)
    figures.save(figure, path)
