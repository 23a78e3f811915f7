"""Where the program keeps its own files on the operator's machine: the one reading of ``$XDG_…``.

Pure: the environment is handed in, nothing is looked at and nothing is created. Relative values of
``$XDG_…`` count as unset, as the XDG base directory specification demands.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["cache_dir", "config_file", "expand_home", "home_dir", "log_file", "state_dir"]

NAME = "condafleet"


def home_dir(environ: Mapping[str, str]) -> Path:
    """The operator's home: ``$HOME``; without one what the user database says, and at worst ``/``."""
    home = Path(environ.get("HOME", ""))
    if home.is_absolute():
        return home
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")


def expand_home(path: str, environ: Mapping[str, str]) -> str:
    """*path* with a leading ``~`` or ``~/`` replaced by the operator's home; other paths as they are."""
    if path == "~" or path.startswith("~/"):
        return str(home_dir(environ) / path[2:])
    return path


def config_file(environ: Mapping[str, str]) -> Path:
    """``config.yaml`` in the configuration folder (``CONDAFLEET_CONFIG`` is the loader's business)."""
    return _base(environ, "XDG_CONFIG_HOME", ".config") / "config.yaml"


def state_dir(environ: Mapping[str, str]) -> Path:
    """The folder of snapshots and the log: ``CONDAFLEET_STATE_DIR``, or below ``$XDG_STATE_HOME``."""
    override = environ.get("CONDAFLEET_STATE_DIR", "")
    return Path(override).absolute() if override else _base(environ, "XDG_STATE_HOME", ".local/state")


def log_file(environ: Mapping[str, str]) -> Path:
    """The log file, whether it exists or not."""
    return state_dir(environ) / f"{NAME}.log"


def cache_dir(environ: Mapping[str, str]) -> Path:
    """The folder of what can be made again at any time."""
    return _base(environ, "XDG_CACHE_HOME", ".cache")


def _base(environ: Mapping[str, str], variable: str, default: str) -> Path:
    base = Path(environ.get(variable, ""))
    return (base if base.is_absolute() else home_dir(environ) / default) / NAME
