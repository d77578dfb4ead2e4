"""Two kinds of kernels: those that count references of the arrays they see, and those that count none.

Counting the references of many small views of arrays took three quarters of a step of many worlds: numba changes an
atomic counter for each, and all threads change the same ones. A kernel that counts none cannot allocate: its caller
holds all arrays. Whatever it calls says which kind it is, unless it is inlined: what says nothing is compiled as needed
by whoever calls it first, and kept in the cache like that.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from numba import njit

# Numba's type stubs do not know ``_nrt``. A kernel that does not say whether it is a part of its caller's machine code
# is one if whoever calls it first is: hence ``forceinline`` everywhere.
uncounted: Any = partial(njit, cache=True, forceinline=False, **{"_nrt": False})
"""Decorates a kernel that counts no references, and allocates nothing; anybody may call it, Python too."""
inlined: Any = partial(njit, cache=True, forceinline=True, **{"_nrt": False})
"""Decorates an uncounted kernel that becomes a part of its caller's machine code.

For one with many arrays and few callers: arrays are passed by value, some 60 bytes each, in memory. Handing a world's
to a kernel and on to those that it calls took longer than what they do with them.
"""
counted: Any = partial(njit, cache=True, forceinline=False, **{"_nrt": True})
"""Decorates a kernel that allocates and is called by one that counts no references."""
