"""Scenario families: one file each, with a function ``draw(rng, ...)`` that draws a scenario from a seed."""
