"""The bodies that a control process drives: the interface, one file a driver, and clocks for what they stamp.

A driver hands on states and commands; it decides nothing.
"""
