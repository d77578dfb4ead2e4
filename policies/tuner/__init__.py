"""The network that tunes the filter, and its training."""
