"""``begin`` of ``envs.commands.command``, by its path: to import ``envs`` takes a second, and it has to come before."""

from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_spec = spec_from_file_location("command", Path(__file__).parents[2] / "envs" / "commands" / "command.py")
if _spec is None or _spec.loader is None:
    raise ImportError("envs/commands/command.py")
_command = module_from_spec(_spec)
_spec.loader.exec_module(_command)
begin: Callable[[], None] = _command.begin
"""While modules are loaded, nothing can be lost: a signal ends the process."""
