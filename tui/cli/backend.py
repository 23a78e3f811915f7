"""What the commands need from the rest of the program; everything heavy is imported when it is first used."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol

from tui.domain.hosts import HostSpec
from tui.domain.settings import Settings
from tui.ports import ArchiveStore, Prompter, TrustedKey
from tui.services.fleet import FleetApi

__all__ = ["Backend", "Production"]


class Backend(Protocol):
    """The world of the command line; tests give their own."""

    def prepare(self, debug: bool) -> str | None:
        """Begin to write the log file; returns why nothing is logged, None when all is well."""

    def load(self, config: str | None, *, new: bool = False) -> Settings:
        """The configuration. Raises ConfigError; with *new* a file that is named need not exist yet."""

    def add_host(self, config: str | None, spec: HostSpec) -> str:
        """Write *spec* into the configuration; returns the file. Raises CondafleetError."""

    def forget_host(self, config: str | None, name: str) -> str:
        """Take a host out of the configuration; returns the file. Raises CondafleetError."""

    def aliases(self) -> Sequence[str]:
        """The hosts that ssh_config names."""

    def build(self, settings: Settings, prompter: Prompter) -> FleetApi:
        """The fleet, not started. Called inside the event loop."""

    def archives(self) -> ArchiveStore:
        """What was kept of environments before they went."""

    async def trust(self, settings: Settings, host: str, fingerprint: str, prompter: Prompter) -> TrustedKey:
        """Save the key of *host* that has *fingerprint*. Raises HostFaultError."""

    def run(self, main: Callable[[], Coroutine[Any, Any, int]]) -> int:
        """Run *main* in a fresh event loop."""


class Production:
    """The real world."""

    def prepare(self, debug: bool) -> str | None:
        from tui.storage import logfile

        logfile.configure_logging(debug=debug)
        return logfile.log_problem()

    def load(self, config: str | None, *, new: bool = False) -> Settings:
        from tui import config as configuration

        return configuration.load(None if config is None else Path(config), new=new)

    def add_host(self, config: str | None, spec: HostSpec) -> str:
        from tui import config as configuration

        path = _file(config)
        fields = {
            "address": spec.address,
            "port": spec.port,
            "user": spec.user,
            "identity": list(spec.identity) or None,
            "jump": spec.jump,
            "groups": list(spec.groups) or None,
        }
        configuration.add_host(path, spec.name, fields)
        return str(path)

    def forget_host(self, config: str | None, name: str) -> str:
        from tui import config as configuration

        path = _file(config)
        configuration.forget_host(path, name)
        return str(path)

    def aliases(self) -> Sequence[str]:
        from tui.fleet.aliases import list_aliases

        named = os.environ.get("CONDAFLEET_SSH_CONFIG")
        return list_aliases(Path(named) if named else None)

    def build(self, settings: Settings, prompter: Prompter) -> FleetApi:
        from tui import runtime

        return runtime.build(settings, prompter)

    def archives(self) -> ArchiveStore:
        from tui.storage.archives import Archives

        return Archives()

    async def trust(self, settings: Settings, host: str, fingerprint: str, prompter: Prompter) -> TrustedKey:
        from tui import runtime

        return await runtime.trust(settings, host, fingerprint, prompter)

    def run(self, main: Callable[[], Coroutine[Any, Any, int]]) -> int:
        from tui import runtime

        return runtime.run(main())


def _file(config: str | None) -> Path:
    from tui import config as configuration

    return configuration.config_path(None if config is None else Path(config))[0]
