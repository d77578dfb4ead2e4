"""``envs.commands.physics``, from a checkout."""

import sys

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

from envs.commands.physics import main

if __name__ == "__main__":
    sys.exit(main())
