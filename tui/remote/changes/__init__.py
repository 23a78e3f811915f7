"""The kinds of changes: for each a builder of the job that does it, and the reading of what it said."""
