"""Training of the tuner: the worlds it is trained in, planners that teach there, and the families it is judged on."""
