"""What disposes: the tunables become rows of a quadratic program, and a shield stands behind it."""
