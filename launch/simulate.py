"""``envs.commands.simulate``, from a checkout."""

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

from envs.commands.command import leave
from envs.commands.simulate import main

if __name__ == "__main__":
    leave(main())
