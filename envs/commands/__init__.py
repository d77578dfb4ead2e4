"""Commands that are installed with the project; the scripts of the same names run them from a checkout."""
