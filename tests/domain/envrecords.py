"""Environments as records, for tests: made by hand, by hypothesis, and out of what conda and micromamba printed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tui.domain.envrecord import Condarc, CondaRecord, EnvironmentRecord, PipOrigin, PipRecord, Unread
from tui.domain.history import History, Request, Revision
from tui.domain.text import decode

DATA = Path(__file__).resolve().parent.parent / "data"
FORGE = "https://conda.anaconda.org/conda-forge"
MD5 = "0123456789abcdef" * 2
SHA256 = "0123456789abcdef" * 4


def conda(
    name: str, version: str = "1.0", build: str = "h0_0", channel: str | None = FORGE, **fields: Any
) -> CondaRecord:
    """A package record with an address and a hash."""
    stem = f"{name}-{version}-{build}"
    values: dict[str, Any] = {
        "channel": f"{channel}/linux-64",
        "url": f"{channel}/linux-64/{stem}.conda",
        "md5": MD5,
        "sha256": SHA256,
        "subdir": "linux-64",
        "file_name": f"{stem}.conda",
        **fields,
    }
    return CondaRecord(stem, name, version, build, **values)


def asked(*specs: str, action: str = "update", command: str | None = None) -> Revision:
    """A change for which these specs were asked for."""
    return Revision(0, 1.7e9, command, "26.7.1", requests=(Request(action, specs),) if specs else ())


def history(*revisions: Revision, complete: bool = True) -> History:
    """A history; the oldest change first."""
    return History(tuple(reversed(revisions)), complete)


def recorded(folder: str, number: str) -> str:
    """What the command of a recording printed on standard output."""
    (path,) = (DATA / folder).glob(f"{number}-*.json")
    text: str = json.loads(path.read_text("utf-8"))["stdout"]
    return text


def of_recording(listing: str, requests: tuple[str, ...] = (), pip: tuple[PipRecord, ...] = ()) -> EnvironmentRecord:
    """The environment whose explicit list is *listing*."""
    found = []
    for line in listing.splitlines():
        match = re.match(r"((?:file|https):.*/([^/]+)/((.+)-([^-]+)-([^-]+)\.(?:conda|tar\.bz2)))#(.*)", line)
        if match is not None:
            url, subdir, file, name, version, build, md5 = match.groups()
            wants = {"numpy": ("python",), "pip": ("python",), "python": ("openssl",)}.get(name, ())
            record = CondaRecord(
                f"{name}-{version}-{build}", name, version, build, url.rpartition("/")[0], url, md5, None, subdir,
                file, wants,
            )  # fmt: skip
            found.append(record)
    found.sort(key=lambda each: each.name)
    changes = history(asked(*requests)) if requests else history()
    return EnvironmentRecord("gpu01", "/opt/envs/llm-finetune", "llm-finetune", tuple(found), pip, changes)


# Raw text, as tui.domain.text means it.
WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp"]), max_size=4),
    st.binary(max_size=6).map(decode),
    st.sampled_from(
        ["", "-", "yes", "null", "1.0", "a: b", "a #b", "- x", "x\n  - evil", "*", "&a", "!t", "%", "@x", "`", "'", '"',
         "{a}", "[a]", "numpy", "--index-url=https://evil", "a @ file:///x", "x\r", "\udcff", "深度学习",
         "torch\u202e", "\x1b[2J", "\u2028", "😀", "\x85", "\ufeff", "~", "=", "<<", "0x10", "1e3", "12:30:45",
         "2026-01-01"]
    ),
)  # fmt: skip
MAYBE = st.none() | WORDS
CONDAS = st.one_of(
    st.builds(
        CondaRecord, stem=WORDS, name=WORDS, version=MAYBE, build=MAYBE, channel=MAYBE, url=MAYBE, md5=MAYBE,
        sha256=MAYBE, subdir=MAYBE, file_name=MAYBE, depends=st.lists(WORDS, max_size=3).map(tuple),
        requested=st.lists(WORDS, max_size=2).map(tuple), broken=st.booleans(),
    ),
    st.builds(conda, st.sampled_from(["numpy", "python", "_libgcc_mutex", "7zip"])),
)  # fmt: skip
PIPS = st.builds(
    PipRecord, name=WORDS, version=MAYBE, origin=st.sampled_from(PipOrigin), address=MAYBE, over_conda=st.booleans()
)
REVISIONS = st.builds(
    Revision, st.none(), st.none(), MAYBE, MAYBE,
    requests=st.lists(st.builds(Request, WORDS, st.lists(WORDS, max_size=3).map(tuple)), max_size=2).map(tuple),
)  # fmt: skip
RECORDS = st.builds(
    EnvironmentRecord,
    host=WORDS,
    prefix=WORDS,
    name=MAYBE,
    conda=st.lists(CONDAS, max_size=4).map(tuple),
    pip=st.lists(PIPS, max_size=4).map(tuple),
    history=st.builds(History, st.lists(REVISIONS, max_size=2).map(tuple), st.booleans()),
    pins=st.lists(WORDS, max_size=2).map(tuple),
    frozen=MAYBE,
    variables=st.lists(st.tuples(WORDS, WORDS), max_size=3, unique_by=lambda pair: pair[0]).map(tuple),
    condarcs=st.lists(st.builds(Condarc, WORDS, WORDS, st.lists(WORDS, max_size=3).map(tuple)), max_size=2).map(tuple),
    added_paths=st.lists(st.tuples(WORDS, WORDS), max_size=2).map(tuple),
    unread=st.lists(st.sampled_from(Unread), max_size=2, unique=True).map(tuple),
)
"""Environments of which a host says anything at all."""
