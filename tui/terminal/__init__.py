"""The operator's own terminal, used raw by both front ends."""
