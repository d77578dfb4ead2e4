"""Nothing here is collected where the clients are not installed: ``make clients`` installs and runs them."""

from importlib.util import find_spec

CLIENTS = ("supersuit", "stable_baselines3")
collect_ignore_glob = [] if all(map(find_spec, CLIENTS)) else ["test_*.py"]
