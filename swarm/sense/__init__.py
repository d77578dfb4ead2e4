"""What a robot sees and hears in one step."""
