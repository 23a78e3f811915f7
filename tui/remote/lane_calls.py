"""What is said to a lane's shell: each script once, as a function; later its name and arguments alone."""

from __future__ import annotations

from collections.abc import Sequence

from tui.remote.quoting import quote_all

__all__ = ["Calls"]


class Calls:
    """What one shell was taught. Pure; each call made here has to be sent, in this order."""

    def __init__(self) -> None:
        self._functions: dict[bytes, bytes] = {}
        self._sticky: dict[bytes, bytes] = {}

    def call(
        self, script: bytes, args: Sequence[str | bytes], sticky: Sequence[str | bytes] = (), *, compress: bool = False
    ) -> tuple[bytes, bytes]:
        """The words before and after the nonce that run *script* with *args*, and *sticky* after them.

        The shell keeps *sticky*: they travel only when they changed.
        """
        words, kept = quote_all(args), quote_all(sticky)
        function = self._functions.get(script)
        definition = b""
        if function is None:
            function = self._functions[script] = b"f%d" % len(self._functions)
            definition = function + b"() {\n" + script + b"\n}\n"
        if kept:
            if self._sticky.get(function) != kept:
                self._sticky[function] = kept
                definition += b"s" + function + b"() { " + function + b' "$@" ' + kept + b"; }\n"
            function = b"s" + function
        return definition + (b"Z " if compress else b"R "), b" " + function + b" " + words + b"\n"

    @staticmethod
    def known(function: bytes, args: Sequence[str | bytes]) -> tuple[bytes, bytes]:
        """The same for a function that ``lane.sh`` defines."""
        return b"R ", b" " + function + b" " + quote_all(args) + b"\n"
