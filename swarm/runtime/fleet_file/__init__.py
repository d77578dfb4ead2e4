"""What a fleet is made of: the fleet file and its parts."""
