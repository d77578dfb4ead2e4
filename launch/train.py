"""``envs.commands.train``, from a checkout."""

import sys

from envs.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
