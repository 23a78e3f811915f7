"""The headless front end: results on stdout, all else on stderr."""
