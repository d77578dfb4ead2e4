"""What ``swarm-fleet`` calls: where packages are missing, it says which extra brings them."""

from __future__ import annotations

import sys


def fleet() -> int:
    """``envs.commands.fleet``; 2 where what it needs is not installed, as on a robot."""
    try:
        from envs.commands.fleet import main
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("envs", "swarm"):
            raise
        print(f"error: no package {error.name} here; pip install 'swarm-navigation[sim]' brings it", file=sys.stderr)
        return 2
    return main()
