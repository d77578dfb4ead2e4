"""Types of arrays by what their elements are; the shapes stand in the docstrings of those who use them.

For annotations alone: numba and numpy never see these names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Float32s = NDArray[np.float32]
Int64s = NDArray[np.int64]
Int32s = NDArray[np.int32]
Int16s = NDArray[np.int16]
Int8s = NDArray[np.int8]
UInt64s = NDArray[np.uint64]
UInt8s = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Integers = NDArray[np.integer[Any]]
"""Integers of any width: a kernel compiles once for each."""
AnyArray = NDArray[Any]
"""Of elements that only the caller knows, or of one of several types: distance fields are uint16 or int32."""
