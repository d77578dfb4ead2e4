"""One step of many worlds at once: sense, filter, move, count; every world runs the kernels of ``swarm`` (numba).

The kernels that go through the robots of a world count no references (``swarm.kernel_cache.references``) and cannot
allocate: their caller holds all arrays, and room to work in (``desk``). Where robots want to go is not its business.
"""
