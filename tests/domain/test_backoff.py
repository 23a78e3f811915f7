from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.backoff import FIRST_S, LONGEST_S, retry_delay


@given(st.integers(1, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_every_delay_lies_in_its_half_and_never_shrinks(failures: int, one: float, two: float) -> None:
    delay = retry_delay(failures, one)
    assert FIRST_S / 2 <= delay <= LONGEST_S
    assert retry_delay(failures + 1, one) >= delay
    assert abs(retry_delay(failures, one) - retry_delay(failures, two)) <= retry_delay(failures, 1.0) / 2


def test_it_doubles_up_to_five_minutes() -> None:
    assert [retry_delay(count, 1.0) for count in range(1, 10)] == [2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert retry_delay(3, 0.0) == 4


def test_no_failure_has_no_delay() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        retry_delay(0, 0.5)
