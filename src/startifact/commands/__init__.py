"""What each command about a project is given, what it does, and what it results in."""
