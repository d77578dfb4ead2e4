"""Scripts of ``launch``, which is no package, as modules."""

import importlib.util
import sys
from types import ModuleType

from oracles.project import ROOT

LAUNCH = ROOT / "launch"


def load_script(name: str) -> ModuleType:
    """The script of that name, loaded anew."""
    spec = importlib.util.spec_from_file_location(name, LAUNCH / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
