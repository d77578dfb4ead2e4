"""``envs.commands.physics``, from a checkout."""

import sys

from envs.commands.physics import main

if __name__ == "__main__":
    sys.exit(main())
