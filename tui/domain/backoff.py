"""When a lost or unreachable host is tried again: a pure schedule."""

from __future__ import annotations

__all__ = ["retry_delay"]

FIRST_S = 2.0
LONGEST_S = 300.0


def retry_delay(failures: int, jitter: float) -> float:
    """Seconds to wait after the *failures*-th failure in a row (1-based).

    Doubles from 2 s to 5 min. *jitter*, 0 to 1, spreads hosts that failed together over the upper
    half of the delay, so that a rebooted switch is not met by all of them at once.
    """
    if failures < 1:
        raise ValueError(f"failures must be at least 1, not {failures}")
    whole = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 20))
    return whole * (0.5 + 0.5 * jitter)
