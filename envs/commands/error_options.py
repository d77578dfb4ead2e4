"""The options ``--errors`` and ``--assume``: what is simulated as not exact, and what the robots assume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from swarm.model.error_bounds import EXACT, ErrorBounds, parse_option
from swarm.scenario.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class ErrorOptions:
    """Declared errors (``swarm.model.error_bounds``) of a command line.

    Raises:
        InputError: If an option declares no errors; names the option, and the key or the file.
    """

    errors: str | None = None
    """What is not exact, simulated: position=0.01,lag=0.1,..., a YAML file or none; else what the scenario declares."""
    assume: str | None = None
    """What the robots assume to be not exact: likewise; what is simulated if not given."""

    def __post_init__(self) -> None:
        # Both are read at once: a wrong one is found before anything runs.
        _ = self.simulated, self.assumed

    @cached_property
    def simulated(self) -> ErrorBounds | None:
        """What is simulated in all scenarios; None: what each declares."""
        return parse_option("--errors", self.errors)

    @cached_property
    def assumed(self) -> ErrorBounds | None:
        """What all robots assume; None: what is simulated."""
        return parse_option("--assume", self.assume)

    def declared_in(self, scenario: Scenario) -> Scenario:
        """The scenario with the errors that are simulated in it."""
        return scenario if self.simulated is None else replace(scenario, errors=self.simulated)

    def record(self, simulated: ErrorBounds) -> dict[str, Any]:
        """For the results: what was simulated and what was assumed; nothing if both are exact."""
        assumed = simulated if self.assumed is None else self.assumed
        if simulated == assumed == EXACT:
            return {}
        return {"errors": simulated.declared(), "assume": assumed.declared()}
