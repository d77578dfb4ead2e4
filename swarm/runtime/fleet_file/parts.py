"""What a fleet file names that stands in other files: the controller, and a constraint or driver of a user's own."""

from __future__ import annotations

import os
from pathlib import Path

from swarm.files.references import FORM, in_file, is_reference, moved, source_of
from swarm.files.yaml_input import Field
from swarm.tune.controllers import checkpoint_folder


def read_controller(field: Field, folder: Path) -> str:
    """``tuner``, a rule, or a checkpoint folder, relative to the fleet file's folder.

    Raises:
        InputError: If it is a part in Python.
    """
    controller = field.text()
    if os.path.isdir(folder / controller):
        controller = str(folder / controller)
    if is_reference(controller) and checkpoint_folder(controller) is None:
        raise field.error(
            "tuner, a checkpoint folder or a rule; of Python a robot runs its driver and its constraint alone"
        )
    return controller


def read_part(field: Field, folder: Path, named: str = "") -> str:
    """The reference of a constraint (``swarm.Constraint``) or driver, of a file relative to the fleet file's folder.

    Args:
        field: The value.
        folder: Of the fleet file.
        named: What it may be called besides, for errors; ends with a comma.

    Raises:
        InputError: If it is no reference, or there is no such file. Nothing is run.
    """
    text = field.text()
    if not is_reference(text):
        raise field.error(f"{named}{FORM}")
    if not in_file(text):
        return text
    path = folder / source_of(text)
    if not os.path.isfile(path):
        raise field.error(f"{named}{FORM}, of a file that is there (looked for {path})")
    return moved(text, path)
