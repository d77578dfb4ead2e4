"""Pictures, films and tables of what happened; it draws what it is given, and steps no world."""
