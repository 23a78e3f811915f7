from __future__ import annotations

import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.remote.shells import SHELLS
from tui.domain.text import decode
from tui.remote.quoting import quote, quote_all

WORDS = st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\0", b"")), max_size=30)
NASTY = [
    b"",
    b"'",
    b"''",
    b"\\",
    b"\\'",
    b"$(id)",
    b"`id`",
    b"\n",
    b"a\n\nb",
    b"!!",
    b"-n",
    b"~",
    b"*",
    b"\r",
    b"\x1b]0;x\x07",
]


@pytest.mark.parametrize("shell", SHELLS)
@given(words=WORDS)
@example(words=NASTY)
@example(words=[bytes(range(1, 256)), bytes(range(255, 0, -1)), b"".join(bytes((i, 39)) for i in range(1, 256))])
@settings(max_examples=40, deadline=None)
def test_a_shell_reads_back_exactly_the_bytes_that_were_quoted(shell: str, words: list[bytes]) -> None:
    program = b"set -- x " + quote_all(words) + b"\nshift\nfor w do printf '%s\\0' \"$w\"; done\n"
    result = subprocess.run(SHELLS[shell], input=program, capture_output=True, timeout=20, check=True)
    assert result.stdout == b"".join(word + b"\0" for word in words)
    assert result.stderr == b""


@pytest.mark.parametrize("shell", SHELLS)
def test_a_word_of_a_megabyte_passes(shell: str) -> None:
    word = b"x'" * 500_000
    program = b"set -- " + quote(word) + b"\nprintf '%s' \"$1\"\n"
    assert subprocess.run(SHELLS[shell], input=program, capture_output=True, timeout=60).stdout == word


def test_raw_text_is_quoted_as_the_bytes_that_it_stands_for() -> None:
    assert quote(decode(b"caf\xe9 \xe8\xae\xad")) == b"'caf\xe9 \xe8\xae\xad'"


@pytest.mark.parametrize("value", ["a\0b", b"\0"])
def test_a_nul_is_refused(value: str | bytes) -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote(value)
