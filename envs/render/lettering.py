"""Texts and scale bars of pictures."""

from __future__ import annotations

import math

import pygame

from envs.render.colours import INK, Colour

_KEPT = 512  # texts that are drawn already


class Lettering:
    """Draws texts, and keeps those that it has drawn."""

    def __init__(self) -> None:
        pygame.font.init()
        self._fonts: dict[int, pygame.font.Font] = {}
        self._texts: dict[tuple[str, int, Colour], pygame.Surface] = {}

    def text(self, text: str, size: int, colour: Colour) -> pygame.Surface:
        """A text of a height in pixels."""
        key = text, size, colour
        if key not in self._texts:
            if len(self._texts) > _KEPT:
                self._texts.clear()
            font = self._fonts.setdefault(size, pygame.font.Font(None, max(size, 6)))
            self._texts[key] = font.render(text, True, colour)
        return self._texts[key]

    def scale_bar(
        self, surface: pygame.Surface | None, left: int, middle: int, unit: float, size: int, note: str = ""
    ) -> int:  # fmt: skip
        """A bar of a round length, and that length in words; returns how wide both are [pixels].

        Args:
            surface: Where it is drawn; None: nowhere.
            left: Column of its left end.
            middle: Row of its middle.
            unit: Pixels a metre.
            size: Height of the text in pixels.
            note: What is said behind the length.
        """
        length = round_length(8.0 * size / unit)
        right, tick, width = left + round(length * unit), size // 4, max(1, size // 8)
        text = self.text(f"{length:g} m{note}", size, INK)
        place = text.get_rect(midleft=(right + size // 2, middle))
        if surface is None:
            return place.right - left
        pygame.draw.line(surface, INK, (left, middle), (right, middle), width)
        for end in (left, right):
            pygame.draw.line(surface, INK, (end, middle - tick), (end, middle + tick), width)
        surface.blit(text, place)
        return place.right - left


def round_length(most: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is at most ``most`` (above 0)."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(share * power for share in (1.0, 2.0, 5.0) if share * power <= most * (1.0 + 1e-9))
