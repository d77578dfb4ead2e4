"""The network that ranks the moves of a follower, and its training."""
