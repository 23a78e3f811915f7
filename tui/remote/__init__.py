"""What to say to a host and how to read its answer: scripts out, bytes in, domain values up."""
