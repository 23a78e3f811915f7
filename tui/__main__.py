"""The command ``condafleet``: hands over to the command line, the screen or the demo fleet."""

from __future__ import annotations

import sys

from tui.cli.main import FrontEnds
from tui.cli.main import main as run_command_line

TYPE_CHECKING = False  # as in typing, whose import takes longer than all that --version needs
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["main"]


class _FrontEnds(FrontEnds):
    """The front ends don't know each other; only here do they meet, each imported when it is wanted."""

    def screen(self, config: str | None, readonly: bool, debug: bool) -> int:
        from dataclasses import replace
        from pathlib import Path

        from tui import config as configuration
        from tui import runtime
        from tui.storage.layout import Layouts
        from tui.storage.logfile import configure_logging
        from tui.ui.run import run_screen

        configure_logging(debug)
        settings = configuration.load(None if config is None else Path(config))
        if settings.file is None:
            settings = replace(settings, offered=runtime.aliases(settings))
        return run_screen(
            lambda prompter: runtime.build(settings, prompter, watch_tasks=True, purge_due=not readonly),
            layouts=Layouts(),
            readonly=readonly,
            loop_factory=runtime.loop_factory(),
        )

    def demo(self, hosts: int | None, program: Sequence[str] | None, readonly: bool, debug: bool) -> int:
        from tui.demo.run import run_demo

        def open_screen(config: Path) -> int:
            return self.screen(str(config), readonly, debug)

        return run_demo(hosts, program, debug=debug, readonly=readonly, open_screen=open_screen)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    return run_command_line(sys.argv[1:] if argv is None else argv, _FrontEnds())


if __name__ == "__main__":
    sys.exit(main())
