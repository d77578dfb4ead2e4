"""The control that a robot begins with: of all dynamics; of cars, and their moves; of carts that others pin."""

# The part of the brakes that the approach to the end of the path plans with.
APPROACH_SHARE = 0.7
# Periods over which a velocity error (double integrator) or a heading error (unicycle) is removed.
VELOCITY_PERIODS = 2.0
HEADING_PERIODS = 4.0
