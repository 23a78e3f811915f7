"""``completion bash|zsh|fish``: what makes a shell ask us."""

from __future__ import annotations

from pathlib import Path

__all__ = ["script"]


def script(shell: str) -> str:
    """The completion script of *shell*: ``bash``, ``zsh`` or ``fish``."""
    return (Path(__file__).with_name("shells") / f"condafleet.{shell}").read_text("utf-8")
