"""Shared set-up of the tests: no window is opened, and hypothesis is reproducible."""

from __future__ import annotations

import os

import hypothesis

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

hypothesis.settings.register_profile("swarm", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("swarm")
