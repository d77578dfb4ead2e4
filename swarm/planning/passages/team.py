"""What robots know of their team: the sizes by which all find the same slices, and what they hear.

A robot has something to agree on with those alone who name a slice that it names itself, of dozens that it hears. Whom
that concerns is looked up in a table by slices. Robots that share a process share the table as well (``Heard``).
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Set
from typing import Any

from swarm.files.text_files import located
from swarm.model.body import LOOK_AHEAD_RADII, MARGIN
from swarm.model.dynamics import Kind
from swarm.model.error_bounds import EXACT, ErrorBounds
from swarm.planning.headings.outlines import least_radius
from swarm.planning.passages.right_of_way import Course, course
from swarm.planning.passages.slices import Sizes, slices_of
from swarm.scenario.scenario import Scenario
from swarm.sense.intent import Intent
from swarm.sense.messages import Message, Table, as_heard, readable_intents

# Unicycles pass each other in the open by rows about a point ahead of them: with that, and what rows keep, as much
# larger (in look-aheads).
_AHEAD = 1.1


def sizes_of(scenario: Scenario, margin: float = 0.0, assumed: ErrorBounds | None = None) -> Sizes:
    """The sizes of a scenario's team.

    Args:
        scenario: World and robots.
        margin: Extra distance that every robot keeps [m].
        assumed: Errors that the robots count on; None: those that the scenario declares.
    """
    errors = (scenario.errors if assumed is None else assumed) or EXACT
    found: dict[Hashable, tuple[float, float]] = {}
    for i, robot in enumerate(scenario.robots):
        if robot.build in found:
            continue
        with located(f"scenario {scenario.name!r}: robots[{i}]: "):
            body = robot.body(dt=scenario.dt, sensing_radius=scenario.sensing_radius, margin=margin, errors=errors)
        ahead = _AHEAD * (LOOK_AHEAD_RADII * robot.radius) if robot.kind == Kind.UNICYCLE else 0.0
        kept = float(body[MARGIN]) + ahead  # two pass each other without slowing down
        found[robot.build] = robot.radius + kept, kept
    two = sorted(found[robot.build] for robot in scenario.robots)[-2:]
    largest, kept = (sum(part) / len(two) for part in zip(*two, strict=True))
    return Sizes(min(least_radius(robot) for robot in scenario.robots), largest, kept)


def reach_of(planner: str, scenario: Scenario, sizes: Sizes) -> float:
    """Distance within which robots with a planner of this name have to hear each other for their passages [m]."""
    return slices_of(scenario.world, sizes).reach if planner == "passages" else 0.0


class _Told:
    """What a table of messages tells of slices; made once for all who hear any of it.

    Args:
        messages: By sender.
        total: How many slices there are: who names others has another map.

    Attributes:
        intents: By sender; without those that cannot be read.
        courses: The same.
        naming: Who names a slice, by its number.
        stamp: The tick in which all were written; None if that is not one.
    """

    def __init__(self, messages: Table, total: int) -> None:
        self.intents = readable_intents(messages, total + 1)
        self.courses = {robot: course(intent, robot) for robot, intent in self.intents.items()}
        self.naming: dict[int, list[int]] = {}
        for robot, other in self.courses.items():
            for number in other.slices:
                self.naming.setdefault(number, []).append(robot)
        stamps = {intent.stamp for intent in self.intents.values()}
        self.stamp = stamps.pop() if len(stamps) == 1 else None


class Others(Mapping[int, Course]):
    """The courses of those whom one robot hears, by their identities in ascending order.

    Args:
        told: Of a table that they are in.
        ids: Who they are.
        changed: Courses that count instead of what they have told.

    Attributes:
        ids: Who they are.
    """

    def __init__(self, told: _Told, ids: Set[int], changed: Mapping[int, Course]) -> None:
        self._told, self.ids, self._changed = told, ids, changed
        self._courses: Mapping[int, Course] = ChainMap(dict(changed), told.courses) if changed else told.courses

    @classmethod
    def heard(cls, messages: Mapping[int, Message], robot_id: int, total: int) -> Others:
        """Those whom a robot hears, but for itself, and who know a map with so many slices."""
        own = as_heard(messages)
        derived = own.table.derived
        if total not in derived:
            derived[total] = _Told(own.table, total)
        told: _Told = derived[total]
        ids = own.ids if len(told.courses) == len(own.table) else own.ids & told.courses.keys()
        return cls(told, ids - {robot_id}, {})

    @classmethod
    def of(cls, courses: Mapping[int, Course]) -> Others:
        """Those with these courses."""
        return courses if isinstance(courses, Others) else cls(_Told(Table({}), 0), courses.keys(), courses)

    def with_changed(self, courses: Mapping[int, Course]) -> Others:
        """The same, but with these courses of some of them."""
        return Others(self._told, self.ids, {**self._changed, **courses}) if courses else self

    def __getitem__(self, robot: int) -> Course:
        """The course of one of them."""
        if robot not in self.ids:
            raise KeyError(robot)
        return self._courses[robot]

    def get(self, robot: int, default: Any = None) -> Any:
        """The course of one of them; else the default."""
        return self._courses[robot] if robot in self.ids else default

    def __contains__(self, robot: object) -> bool:
        """Whether it hears this one."""
        return robot in self.ids

    def __iter__(self) -> Iterator[int]:
        """Their identities, in ascending order."""
        return iter(sorted(self.ids))

    def __len__(self) -> int:
        """How many there are."""
        return len(self.ids)

    def naming(self, numbers: Iterable[int]) -> dict[int, Course]:
        """Those of them who name one of these slices."""
        found = self._naming(numbers)
        if self._changed:
            found.difference_update(self._changed)
            wanted = frozenset(numbers)
            found.update(robot for robot, one in self._changed.items() if not wanted.isdisjoint(one.slices))
        return {robot: self._courses[robot] for robot in sorted(found)}

    def held(self) -> set[int]:
        """Slices that somebody of them holds."""
        return set().union(*[self._courses[robot].held for robot in self.ids])

    def intents_naming(self, numbers: Iterable[int]) -> dict[int, Intent]:
        """What those have told who name one of these slices."""
        return {robot: self._told.intents[robot] for robot in self._naming(numbers)}

    def _naming(self, numbers: Iterable[int]) -> set[int]:
        table, found = self._told.naming, set[int]()
        for number in numbers:
            found.update(table.get(number, ()))
        found &= self.ids
        return found

    def are_of(self, tick: int) -> bool:
        """Whether all have written in this tick what they have told."""
        return self._told.stamp == tick or all(self._told.intents[robot].stamp == tick for robot in self.ids)


def others_naming(others: Mapping[int, Course], numbers: Collection[int]) -> dict[int, Course]:
    """Those who name one of these slices, in the order of their identities."""
    return Others.of(others).naming(numbers)
