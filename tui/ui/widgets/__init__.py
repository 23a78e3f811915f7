"""Widgets that know rows, cells and keys, and nothing of hosts."""
