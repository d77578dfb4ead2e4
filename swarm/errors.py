"""The errors of this project: each names the place, the value found there, and what would be valid."""

from __future__ import annotations

_LONGEST_VALUE = 120


class SwarmError(Exception):
    """Base class of every error that this project raises on purpose."""


class InputError(SwarmError, ValueError):
    """Input that cannot be used.

    Args:
        where: The place: a file and key, or a function's argument.
        value: What was found there.
        valid: What would have been valid.
    """

    def __init__(self, where: str, value: object, valid: str) -> None:
        shown = repr(value).replace("\n", " ")  # arrays print on several lines
        if len(shown) > _LONGEST_VALUE:
            shown = f"{shown[:_LONGEST_VALUE]}… ({len(shown)} characters)"
        super().__init__(f"{where}: got {shown}; valid: {valid}")
        self.where, self.value, self.valid = where, value, valid

    def __reduce__(self) -> tuple[type[InputError], tuple[str, object, str]]:
        return type(self), (self.where, self.value, self.valid)  # for the processes of others' vector environments
