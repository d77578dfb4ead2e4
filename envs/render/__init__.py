"""Pictures, films and tables of what happened; it draws what it is given, and steps no world."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before anything here imports pygame
