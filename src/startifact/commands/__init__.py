"""What each command about a project is given, what it does, and what it results in.

A shell and a workflow make inputs of what was written, run the command, and put its result into
their own words.
"""
