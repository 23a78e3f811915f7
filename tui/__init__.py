"""condafleet: conda environments, long runs and full disks on a fleet, over plain SSH.

This package imports nothing, so that ``condafleet --version`` costs a bare Python start.
"""

__version__ = "0.1.0"
