"""What a fleet is made of: the fleet file and its parts.

It reads and checks; it opens no connection.
"""
