"""How the stand-in fails: with conda's names, texts and exit codes."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from typing import Any

__all__ = [
    "Exit",
    "Fault",
    "Interrupted",
    "bad_value",
    "missing_environment",
    "not_available",
    "not_installed",
    "report",
    "unsatisfiable",
]


class Fault(Exception):
    """An error of conda's: *name* is the exception's, *more* what its JSON holds beside the message."""

    def __init__(self, name: str, message: str, *, code: int = 1, module: str = "conda.exceptions", **more: Any):
        super().__init__(message)
        self.name = name
        self.message = message
        self.code = code
        self.module = module
        self.more = more
        self.abort = False
        """In text mode conda's process ends by SIGABRT after it (a fault of its solver's)."""


class Interrupted(Fault):
    """A signal came while packages were fetched, linked or unlinked."""

    def __init__(self, number: int) -> None:
        name = signal.Signals(number).name
        super().__init__("CondaSignalInterrupt", f"Signal interrupt {name}", signal_name=name, signum=number)


class Exit(Exception):
    """An end of conda's that is no failure: ``DryRunExit``, ``CondaSystemExit``."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message


def bad_value(message: str) -> Fault:
    """``CondaValueError``."""
    return Fault("CondaValueError", message)


def missing_environment(prefix: str) -> Fault:
    """There is no environment at *prefix*."""
    return Fault("EnvironmentLocationNotFound", f"Not a conda environment: {prefix}", location=prefix)


def not_available(names: list[str], channels: list[str]) -> Fault:
    """No channel has packages of these names."""
    wanted = "".join(f"\n  - {name}" for name in names)
    listed = "".join(f"\n  - {channel}" for channel in channels)
    message = (
        f"The following packages are not available from current channels:\n{wanted}\n\nCurrent channels:\n{listed}\n\n"
        "To search for alternate channels that may provide the conda package you're\nlooking for, navigate to\n\n"
        "    https://anaconda.org\n\nand use the search bar at the top of the page.\n"
    )
    return Fault(
        "PackagesNotFoundInChannelsError",
        message,
        packages=names,
        packages_formatted=wanted,
        channels_formatted=listed,
        channel_urls=[_channel_parts(each) for each in channels],
    )


def _channel_parts(url: str) -> dict[str, Any]:
    scheme, _, rest = url.partition("://")
    location, _, name = rest.rpartition("/")
    nothing = dict.fromkeys(("auth", "package_filename", "platform", "token"))
    return {**nothing, "location": location, "name": name, "scheme": scheme}


def not_installed(prefix: str, names: list[str]) -> Fault:
    """The environment holds no packages of these names."""
    listed = "".join(f"\n  - {name}" for name in names)
    message = f"The following packages are missing from the target environment:\n  prefix: {prefix}\n{listed}\n"
    return Fault("PackagesNotFoundInPrefixError", message, packages=names)


def unsatisfiable(message: str) -> Fault:
    """The solver's own words; in text mode conda crashes after it has said them."""
    fault = Fault("RattlerUnsatisfiableError", message, module="conda_rattler_solver.exceptions", allow_retry=False)
    fault.abort = True
    return fault


def report(fault: Fault, as_json: bool) -> int:
    """Say it as conda does; returns the exit code. May not return: see :attr:`Fault.abort`."""
    if as_json:
        body = {
            "caused_by": "None",
            "error": f"{fault.name}: {fault.message}",
            "exception_name": fault.name,
            "exception_type": f"<class '{fault.module}.{fault.name}'>",
            "message": fault.message,
            **fault.more,
        }
        print(json.dumps(body, indent=2, sort_keys=True), end="\n\n\n")
        return fault.code
    sys.stdout.flush()
    print(f"\n{fault.name}: {fault.message}\n", file=sys.stderr, flush=True)
    if fault.abort:
        print("Fatal Python error: PyGILState_Release: thread state must be current when releasing", file=sys.stderr)
        print("Python runtime state: finalizing", file=sys.stderr, flush=True)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGABRT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGABRT)
    return fault.code
