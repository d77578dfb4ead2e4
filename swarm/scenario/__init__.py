"""What a run is: robots, starts, goals and the world they drive in; and the readers of its files."""
