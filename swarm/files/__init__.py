"""Reading and writing files: bounded, whole or not at all, with errors that name the place."""
