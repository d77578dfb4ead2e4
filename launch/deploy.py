"""A robot's control process (``swarm.runtime.process``), from a checkout."""

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # Before numpy is loaded, which starts a thread for each core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if __name__ == "__main__":
    from studies.command import begin

    begin()  # An interrupt leaves one line, also while all that follows is loaded.

from swarm.runtime.process import main

if __name__ == "__main__":
    sys.exit(main())
