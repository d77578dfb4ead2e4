"""What goes wrong in deployed fleets, done to real processes: the promises of the runtime, each measured."""
