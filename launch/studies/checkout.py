"""Where this checkout is: studies are never installed, so they may count the folders above them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "launch"
