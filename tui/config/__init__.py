"""YAML in, validated values out; every error names file, line and key, and what was expected."""

from tui.config.edit import add_host, forget_host
from tui.config.loader import config_path, load

__all__ = ["add_host", "config_path", "forget_host", "load"]
