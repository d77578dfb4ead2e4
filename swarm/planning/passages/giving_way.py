"""How one robot gives way, and what it remembers of that from tick to tick.

Four things outlast a tick: for whom a unicycle makes way, until it has turned; who has nowhere to go and is let out,
until the two have passed each other; that this robot has nowhere to go, until nobody comes towards it; and where a
robot that has arrived gets past whoever wants through, until it is there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from swarm.array_types import Array, Int64s
from swarm.planning.passages.aside.finder import Aside
from swarm.planning.passages.aside.heeded import sum_of
from swarm.planning.passages.pushers import Scene, pushers_of
from swarm.planning.passages.right_of_way import T_HELD, T_INHERITED, T_LEAVING, first_of, inherited_from, listed
from swarm.planning.passages.route import Route
from swarm.sense.neighbours import N_ID, N_X, N_Y

_LEAVING = 10.0  # Seconds for which a robot that is at its goal keeps on the way past whoever wants through.
THERE = 3  # Points of a way that ends where the robot is.
BESIDE = 1.3  # Who is nearer than so many sums of their radii leaves another no room.
_ROOM = 2.0  # It goes back until it is so many of them away, where another robot fits between.
_FOR = 3.0  # Seconds for which it goes back at most: the other turns round meanwhile, and goes.


class GivingWay:
    """Whether one robot makes way, and where to.

    Args:
        aside: Finds places out of the way.
        turning: Ticks in which the robot turns round, if it has to do so.
        dt: Control period [s].

    Attributes:
        exit: Where the robot, which has arrived, goes to get past whoever wants through, float64[2] [m]; None: nowhere.
        leaving: Whether it says that it has nowhere to go, or that it is on its way to an exit.
        inherited: The priority with which it claims: its own, or that of the robot that it makes way for.
    """

    def __init__(self, aside: Aside, turning: int, dt: float) -> None:
        self._aside, self._turning, self._leaving_ticks = aside, turning, round(_LEAVING / dt)
        self.exit: Array | None = None
        self.leaving, self.inherited = False, 0
        self._exit_until = 0
        self._place: Array | None = None  # where it goes out of the way
        self._let_out: frozenset[int] = frozenset()
        self._before: frozenset[int] = frozenset()  # for whom it made way in the tick before
        self._remembered: dict[int, tuple[Int64s, int]] = {}  # what each pusher told, and until which tick

    @property
    def pushers(self) -> frozenset[int]:
        """For whom it makes way."""
        return self._before

    @property
    def is_calm(self) -> bool:
        """Whether nothing but ``lasting`` outlasts the tick."""
        return self.exit is None and not self._remembered

    @property
    def lasting(self) -> tuple[frozenset[int], frozenset[int], Array | None]:
        """For whom it makes way, who of them has nowhere to go, and to where it goes, float64[2] [m]."""
        return self._before, self._let_out, self._place

    def went_on(
        self, leaving: bool, inherited: int, gave: Collection[int], let_out: Collection[int], place: Array | None
    ) -> None:  # fmt: skip
        """Be as after ticks that were decided elsewhere, in which nothing but ``leaving`` and ``lasting`` changed.

        Args:
            leaving: As the attribute.
            inherited: The same.
            gave: This and the rest: as of ``lasting``.
            let_out: The same.
            place: The same.
        """
        self.leaving, self.inherited, self._place = leaving, inherited, place
        self._before, self._let_out = frozenset(gave), frozenset(let_out)

    def end_exit(self, tick: int, is_there: bool) -> None:
        """Go for an exit no longer if the robot is there, or has tried for long."""
        if is_there or tick > self._exit_until:
            self.exit = None

    def decide(self, scene: Scene, tick: int, priority: int) -> tuple[Scene, Array | None]:
        """The way out of the way of others, float64[n, 2] [m]; None if the robot makes way for nobody.

        Args:
            scene: What is known; comes back with the remembered ways of others.
            tick: Of the clock.
            priority: Its own.
        """
        pushers = [] if self.exit is not None else pushers_of(scene, self._let_out, self._before)
        wanted = bool(pushers)
        scene, pushers = self._with_remembered(scene, pushers, tick)
        others = scene.others
        to_find = scene.position, scene.view, others, pushers
        aside = self._aside.find(*to_find, kept=self._place, held=scene.own.held) if pushers else None
        self._place = None if aside is None else aside[-1, :2]
        # Who has nowhere to go says so until one makes way; that counts until they have passed, not for a tick.
        let_out = (robot for robot in pushers if others[robot][T_LEAVING] or robot in self._let_out)
        self._let_out = frozenset() if aside is None else frozenset(let_out)
        self._before = frozenset(pushers if aside is not None else ())
        stuck = wanted and aside is None
        if aside is None or len(aside) <= THERE:
            self._remembered.clear()
        if stuck and scene.arrived:  # it wants nowhere, and so has to say how it would get out of the way
            aside = self._aside.find(*to_find, past=True)
            self.exit, self._exit_until = None if aside is None else aside[-1, :2], tick + self._leaving_ticks
        goes_on = aside is None and self.leaving and scene.is_met
        self.leaving = stuck or self.exit is not None or goes_on
        if self.exit is None:
            self.inherited = priority
        if aside is not None and (self.exit is not None or len(aside) > THERE):  # who is there wants nothing more
            found = inherited_from(others.rows[others.places(pushers), T_INHERITED])
            self.inherited = found if first_of(found) > priority else priority
        return scene, aside

    def _with_remembered(self, scene: Scene, pushers: list[int], tick: int) -> tuple[Scene, list[int]]:
        """What is known with courses and pushers of now, and those of before for as long as this robot turns round.

        Whoever sees that another makes way plans anew, and two that do so in turn would never have turned.
        """
        for robot in pushers if self._turning > 0 else ():
            self._remembered[robot] = scene.others[robot].copy(), tick + self._turning
        if not self._remembered:
            return scene, pushers
        self._remembered = {r: one for r, one in self._remembered.items() if one[1] > tick and r in scene.others}
        before = {robot: one[0] for robot, one in self._remembered.items() if robot not in pushers}
        return scene._replace(others=scene.others.with_changed(before)), [*pushers, *before]


class BackingOff:
    """When one robot backs off for whom it waits, and to where.

    Slices hold one robot each, but who waits at the end of one stands beside who is in the next, and can shut it in
    against a corner: the filter lets neither move. Who waits that near to a robot that goes out of its way goes back
    within its own slice for a moment. It takes and gives back nothing, and tells the others the same as before.

    Args:
        route: Its ways.
        margin: Extra distance that every robot keeps [m].
        dt: Control period [s].
    """

    def __init__(self, route: Route, margin: float, dt: float) -> None:
        self._route, self._margin, self._ticks = route, margin, round(_FOR / dt)
        self._until, self._for = -1, -1  # until when, and for whom
        self._place: Array | None = None

    def place(self, scene: Scene, tick: int) -> Array | None:
        """Where the robot goes back to, float64[2] [m]; None if it need not."""
        if self._place is None and not scene.waits and tick >= self._until:
            return None
        here, other = self._route.slices.at(*scene.position.tolist()), scene.others.get(self._for)
        if other is None or scene.following not in listed(other, T_HELD):
            self._until = -1  # that one has gone
        if here == 0 or here not in scene.own.held:
            self._place = None
        elif tick >= self._until:
            self._place, row = None, self._shut_in(scene) if scene.waits else None
            if row is not None:
                apart = _ROOM * sum_of(row, scene.radius, self._margin)
                self._place = self._route.back_from(scene.position, row[[N_X, N_Y]], here, apart)
                self._until, self._for = tick + self._ticks, int(row[N_ID])
        return self._place

    @property
    def numbers(self) -> tuple[int, int]:
        """Until which tick it goes back, or went back last, and for whom; None of it goes on if ``is_calm``."""
        return self._until, self._for

    @numbers.setter
    def numbers(self, some: Sequence[float]) -> None:
        self._until, self._for = int(some[0]), int(some[1])

    @property
    def is_calm(self) -> bool:
        """Whether it goes back for nobody."""
        return self._place is None

    def _shut_in(self, scene: Scene) -> Array | None:
        """The row of a robot beside this one that holds what it wants next, and goes out of its way."""
        own = int(scene.own.told[T_INHERITED])
        for row in scene.view.neighbours:
            other = scene.others.get(int(row[N_ID]))
            if other is None or not scene.is_let_in_by(other) or min(own, other[T_INHERITED]) < 0:
                continue
            if scene.is_near(row, self._margin, BESIDE):
                return row
        return None
