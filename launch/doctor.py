"""The doctor (``envs.commands.doctor``) from a checkout: by its path, so that it runs where nothing can be imported."""

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).parents[1] / "envs" / "commands" / "doctor.py"), run_name="__main__")
