"""``envs.commands.fleet``, from a checkout."""

import sys

from envs.commands.fleet import main

if __name__ == "__main__":
    sys.exit(main())
