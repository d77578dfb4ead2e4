"""What a robot does about each reason not to move, as the key ``braking`` of a fleet file says.

    braking:
      own state jumped: latch      # brake, and stay until an operator releases the robot
      waits: {hold: 0.3}           # keep the last command, through the filter, for at most 0.3 s; then brake
      overrun: brake               # brake for as long as the reason holds

What is not named is done as ``DEFAULT`` says: ``brake``, but for two reasons. Each robot acts for itself, and whatever
it does passes its own filter: nobody else relies on it, so it is no part of what robots have to agree on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from swarm.files.yaml_input import Field

BRAKE, LATCH, HOLD, TELL = "brake", "latch", "hold", "tell"
"""Actions: brake while the reason holds; brake until released; keep the command for a while; drive on and tell."""
LONGEST_HOLD = 1.0
"""Seconds for which a command may be held, at most."""

EMERGENCY, INCOMPATIBLE, OVERRUN, NO_PLAN = "emergency stop", "incompatible", "overrun", "no plan"
NO_STATE, OLD_STATE, BEFORE_STOP = "no own state", "own state older than declared", "own state from before the stop"
NO_MOTION, JUMPED, UNCERTAIN = (
    "told to move and does not", "own state jumped", "own state less certain than declared",
)  # fmt: skip
UNHEARD, WAITS, LATE_NEWS = "has not heard the others yet", "waits", "news older than declared"
DRIVER = "doubt of the driver"
"""Whatever a driver says of its own states (``swarm.runtime.drivers.base``), in its own words."""

# Why a command cannot be held: what the filter would need is not known.
_BLIND = "the filter has to know its own state to pass a command"
_UNKNOWN = "those who are not heard are not in the filter"
_HOLDS_NOT = {
    NO_STATE: _BLIND, OLD_STATE: _BLIND, BEFORE_STOP: _BLIND, JUMPED: _BLIND, UNCERTAIN: _BLIND, DRIVER: _BLIND,
    NO_MOTION: "a body that does not do as it is told does not do what the filter decides",
    INCOMPATIBLE: _UNKNOWN, UNHEARD: _UNKNOWN,
    OVERRUN: "the filter counts on a new command in each period",
    NO_PLAN: "without a plan there is no command",
}  # fmt: skip

REASONS = (
    EMERGENCY, NO_MOTION, JUMPED, UNCERTAIN, DRIVER, OLD_STATE, NO_STATE, BEFORE_STOP, INCOMPATIBLE, OVERRUN, NO_PLAN,
    UNHEARD, WAITS, LATE_NEWS,
)  # fmt: skip
"""All of them. Journals have their places in this list: new ones come at the end."""


@dataclass(frozen=True)
class Action:
    """What is done about one reason.

    Attributes:
        kind: ``BRAKE``, ``LATCH``, ``HOLD`` or ``TELL``.
        seconds: For how long a command is held [s].
    """

    kind: str = BRAKE
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} {self.seconds:g} s" if self.kind == HOLD else self.kind


DEFAULT: Mapping[str, Action] = {reason: Action() for reason in REASONS} | {
    EMERGENCY: Action(LATCH), LATE_NEWS: Action(TELL)
}  # fmt: skip
"""What is done where a fleet file says nothing."""


def read_braking(field: Field) -> dict[str, Action]:
    """The mapping ``braking`` of a fleet file, with what it does not name.

    Raises:
        InputError: For an unknown reason or action, and an action that would break the guarantee; names the place.
    """
    given = field.mapping([], REASONS)
    return {**DEFAULT, **{reason: _read_action(reason, entry) for reason, entry in given.items()}}


def describe(braking: Mapping[str, Action]) -> str:
    """What differs from the default, in one line; empty: nothing."""
    return ", ".join(f"{reason}: {action}" for reason, action in braking.items() if action != DEFAULT[reason])


def _read_action(reason: str, field: Field) -> Action:
    if isinstance(field.value, dict):
        seconds = field.mapping([HOLD])[HOLD]
        if not 0.0 < seconds.number() <= LONGEST_HOLD:
            raise seconds.error(f"above 0 and at most {LONGEST_HOLD:g} s")
        action = Action(HOLD, seconds.number())
    elif field.value in (BRAKE, LATCH, TELL):
        action = Action(field.text())
    else:
        raise field.error(_valid(reason))
    why = _refused(reason, action.kind)
    if why:
        raise field.error(f"{_valid(reason)}: {why}")
    return action


def _refused(reason: str, kind: str) -> str:
    """Why an action cannot be taken for a reason; empty if it can."""
    if reason == EMERGENCY:
        return "" if kind == LATCH else "only an operator ends an emergency stop"
    if kind == HOLD:
        return _HOLDS_NOT.get(reason, "")
    if kind == LATCH and reason == BEFORE_STOP:
        return "it follows every release, so none would last"
    return "" if kind != TELL or reason == LATE_NEWS else "only of old news discs make up for"


def _valid(reason: str) -> str:
    """The actions that there are for a reason."""
    fits = [kind for kind in (BRAKE, LATCH, TELL, HOLD) if not _refused(reason, kind)]
    return " or ".join(f"{{{HOLD}: SECONDS}}" if kind == HOLD else kind for kind in fits)
