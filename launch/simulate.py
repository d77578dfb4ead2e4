"""``envs.commands.simulate``, from a checkout."""

import sys

from envs.commands.simulate import main

if __name__ == "__main__":
    sys.exit(main())
