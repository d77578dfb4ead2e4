"""What torch_geometric leaves behind: the code that it makes of a layer's messages, a file in the temporary folder."""

from __future__ import annotations

import linecache
import sys
import tempfile
from pathlib import Path

# As torch_geometric (2.8, ``nn/conv/message_passing.py``) ends the names of such modules.
_ENDINGS = ("_propagate", "_edge_updater")


def remove_generated_code() -> None:
    """Remove the files of the layers that were made in this process; their lines stay known to tracebacks and torch."""
    folder = Path(tempfile.gettempdir())
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) if name.endswith(_ENDINGS) else None
        if file is None or Path(file).parent != folder or not Path(file).name.startswith(f"{name}_"):
            continue
        if lines := linecache.getlines(file):
            # Without a time of change: then the file is not looked for any more.
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
        Path(file).unlink(missing_ok=True)
