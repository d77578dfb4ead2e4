"""What disposes: the tunables become rows of a quadratic program, and a shield stands behind it.

The guarantee of the control layer is its shields: ``shield``, ``hulls`` and ``shapes``. Who chose the tunables is not
its business.
"""
