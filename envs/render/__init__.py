"""Pictures, films and tables of what happened."""
