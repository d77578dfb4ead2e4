"""What planners know of a grid map: its graph, distances, costs, lanes, traffic. It decides nothing."""
