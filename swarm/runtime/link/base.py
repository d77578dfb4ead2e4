"""The interface to what carries bytes between robots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from swarm.runtime.link.estop import EmergencyStop


class Link(Protocol):
    """What carries bytes between robots; ``swarm.runtime.link.transport.Transport`` is one."""

    counts: Counter[str]
    """Messages that were lost on the way in, by reason."""

    def publish(self, data: bytes, to: Iterable[int] | None = None) -> None:
        """Tell some of the others, or all."""
        ...

    def drain(self) -> list[tuple[int, bytes, float]]:
        """What has arrived: sender, bytes, and when."""
        ...

    def greet(self, data: bytes) -> None:
        """Tell the others what this robot runs with."""
        ...

    def greetings(self) -> list[tuple[int, bytes, float]]:
        """What they told of that: sender, bytes, and when it arrived."""
        ...

    def stops(self) -> list[EmergencyStop]:
        """Emergency stops and releases of operators that have arrived."""
        ...

    @property
    def signs(self) -> bool:
        """Whether only stops and releases count that an operator has signed."""
        return False

    @property
    def newest(self) -> EmergencyStop | None:
        """The newest signed one, if there is any."""
        return None

    def pass_on(self) -> None:
        """Tell the others the newest signed one, as it was heard."""
        return

    def passed_on(self) -> list[EmergencyStop]:
        """Signed ones that other robots have passed on, as far as they are newer than all before."""
        return []
