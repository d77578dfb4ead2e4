"""What goes between the processes of a fleet, and who is believed."""
