"""Reading and writing files: bounded, whole or not at all, with errors that name the place.

What a file means is not its business: each format has one reader, in the room of what it describes.
"""
