"""Where compiled kernels are kept, so that none that is stale ever runs, and an edit compiles again what it touches.

Numba alone notices a change in the file of the function that it loads, not in the functions that this one calls: after
an update it would go on running the old barrier inside the new filter; and it compiles a whole file again when a
comment in it changes. Here a kernel is kept under a hash of all that it is made of (``swarm.kernel_cache.source``).

A package with kernels of its own registers its folder before it decorates the first one::

    register_kernels("my_package", Path(__file__).parent)
"""

from swarm.kernel_cache.registry import register_kernels

__all__ = ["register_kernels"]
