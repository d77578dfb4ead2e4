"""Opening an exported network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from swarm.errors import InputError


def onnx_runtime() -> Any:
    """The module ``onnxruntime``, without its telemetry: robots send nothing that nobody asked them to send.

    Since 1.29 it keeps an identifier of the machine and a database in the user's cache, and sends what was run to its
    maker, unless this variable is set before it is loaded. Whoever wants that sets ``ORT_DISABLE_TELEMETRY=0``.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def open_session(path: Path, hint: str) -> tuple[Any, list[str]]:
    """A network that runs on one thread, and the names of its inputs.

    Args:
        path: The ONNX file.
        hint: What would be valid if there is none.

    Returns:
        The ``onnxruntime.InferenceSession``, and the names.

    Raises:
        InputError: If the file is missing or unreadable.
    """
    if not os.path.isfile(path):
        raise InputError(str(path), "no such file", hint)
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it calls an error it raises, too
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes are not exported
        raise InputError(str(path), str(error).splitlines()[0], "a readable ONNX file") from error
    return session, [entry.name for entry in session.get_inputs()]
