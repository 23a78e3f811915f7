"""The operator's machine: last snapshots and the log; atomic, versioned, bounded, safe with two clients at once."""
