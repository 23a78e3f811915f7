"""The living state, free of any front end: it publishes events and owns all background work."""
