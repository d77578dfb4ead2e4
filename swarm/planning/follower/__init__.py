"""The follower: a learnt ranking of the moves along a planned way."""
