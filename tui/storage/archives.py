"""What was kept of environments before they went, on the operator's machine: one folder each, whole or not there.

An archive is what somebody's work depends on, so it is written through to the disk before it counts, and every failure
is raised. It is bounded, too: the oldest go, and one that is not old yet goes only with a word about it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tui.domain.archive import (
    RECORD_FILE,
    Archive,
    ArchiveCause,
    ArchiveHead,
    ArchiveId,
    ArchiveListing,
    archive_head,
    archive_texts,
)
from tui.domain.envrecord import EnvironmentRecord, without_secrets
from tui.domain.errors import NothingMatchedError, StorageError
from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.storage import paths
from tui.storage.atomic import read_own
from tui.storage.codec import decode_value, encode_value

__all__ = ["Archives"]

log = logging.getLogger(__name__)

SCHEMA = 1
HEAD_FILE = "archive.json"
FOLDER = "archives"
MAX_ARCHIVES = 1000
MAX_TOTAL_BYTES = 1 << 30
MAX_BYTES = 64 << 20
"""The longest that one archive may be."""
YOUNG_S = 90 * 86400.0
"""One that is younger does not go without a word."""
LEFT_S = 3600.0
"""What is being written is left alone for so long by others."""
_NEW, _GONE = ".new-", ".gone-"
_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{6}-[0-9a-f]{4}\Z")
_PREFIX = re.compile(r"[0-9a-f-]{4,27}\Z")
_FILE = re.compile(r"[a-z][a-z0-9.-]{0,60}\Z")


class Archives:
    """Implements :class:`tui.ports.ArchiveStore` below *state_dir* (default: the user's).

    Safe with several clients, and to be called from any thread. Folders are 0700, files 0600.
    """

    def __init__(
        self,
        state_dir: Path | None = None,
        now: Callable[[], float] = time.time,
        *,
        most: int = MAX_ARCHIVES,
        most_bytes: int = MAX_TOTAL_BYTES,
    ) -> None:
        self._root = paths.state_dir() if state_dir is None else state_dir
        self._now = now
        self._most = most
        self._most_bytes = most_bytes

    @property
    def folder(self) -> Path:
        """Where the archives are."""
        return self._root / FOLDER

    def save(
        self, record: EnvironmentRecord, cause: ArchiveCause, *, told: Callable[[str], None] | None = None
    ) -> ArchiveId:
        """Keep what *record* can be made again from; on the disk for good when this returns. See the port."""
        now = self._now()
        id_ = _new_id(now)
        texts = archive_texts(record)
        clean = without_secrets(record)
        texts[RECORD_FILE] = json.dumps({"schema": SCHEMA, "record": encode_value(clean)}, indent=1)
        contents = {name: text.encode("utf-8", "backslashreplace") for name, text in texts.items()}
        try:
            if sum(map(len, contents.values())) > MAX_BYTES:
                raise OSError(0, phrase("it would be larger than {n} bytes", n=MAX_BYTES))
            paths.private_dir(self._root)
            paths.private_dir(self.folder)
            self._write(id_, contents, archive_head(id_, now, record, cause))
        except (OSError, StorageError) as error:
            raise self._not_kept(record, error) from error
        self._prune(id_, now, told)
        return id_

    def list(self) -> ArchiveListing:
        """All archives; see the port."""
        found: dict[str, ArchiveHead] = {}
        unreadable: dict[str, str] = {}
        for id_ in self._ids():
            try:
                found[id_] = self._head(id_)[0]
            except FileNotFoundError:
                continue  # another client drops it just now
            except (OSError, ValueError) as error:
                unreadable[id_] = _why(error)
        newest = sorted(found, reverse=True)
        return ArchiveListing(tuple(found[id_] for id_ in newest), tuple(sorted(unreadable.items(), reverse=True)))

    def load(self, wanted: str) -> Archive:
        """One archive; see the port."""
        id_ = self._one(wanted)
        try:
            head, sums = self._head(id_)
            raw = {name: self._content(id_, name, known) for name, known in sums.items()}
            data = json.loads(raw.pop(RECORD_FILE, b"null"))
            if not isinstance(data, dict) or data.get("schema") != SCHEMA:
                raise ValueError("its record is of another version")
            record: EnvironmentRecord = decode_value(EnvironmentRecord, data.get("record"))
            texts = {name: content.decode("utf-8") for name, content in raw.items()}
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise StorageError(
                phrase("The archive {id} cannot be read: {reason}.", id=id_, reason=_why(error)),
                phrase("See what is left of it in {folder}.", folder=printable(str(self.folder / id_))),
            ) from error
        return Archive(head, record, texts)

    def _one(self, wanted: str) -> str:
        if _ID.match(wanted):
            fits = [id_ for id_ in self._ids() if id_ == wanted]
        else:
            fits = [id_ for id_ in self._ids() if _PREFIX.match(wanted) and id_.startswith(wanted)]
        if len(fits) == 1:
            return fits[0]
        shown = printable(wanted[:60])
        if fits:
            message = phrase("{n} archives begin with {id}.", n=len(fits), id=shown)
            raise NothingMatchedError(message, phrase("Write more of the id."))
        message = phrase("There is no archive {id}.", id=shown)
        raise NothingMatchedError(message, phrase("`condafleet archive list` shows those that there are."))

    def _ids(self) -> Iterable[str]:
        try:
            return sorted(entry.name for entry in os.scandir(self.folder) if _ID.match(entry.name))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StorageError(
                phrase(
                    "The archives in {folder} cannot be read: {reason}.",
                    folder=printable(str(self.folder)),
                    reason=_why(error),
                ),
                phrase("Make the folder readable, or name another with CONDAFLEET_STATE_DIR."),
            ) from error

    def _write(self, id_: ArchiveId, contents: Mapping[str, bytes], head: ArchiveHead) -> None:
        """Raises OSError; then nothing is left, and nothing was there for others to see."""
        sums = {name: [len(data), hashlib.sha256(data).hexdigest()] for name, data in sorted(contents.items())}
        body = {"schema": SCHEMA, "archive": encode_value(head), "contents": sums}
        folder = Path(tempfile.mkdtemp(prefix=_NEW, dir=self.folder))
        try:
            for name, data in (*contents.items(), (HEAD_FILE, json.dumps(body, indent=1).encode("ascii"))):
                descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(descriptor)
            _sync(folder)
            folder.rename(self.folder / id_)
            _sync(self.folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _head(self, id_: str) -> tuple[ArchiveHead, dict[str, tuple[int, str]]]:
        """The head and what is to be in each file. Raises OSError, ValueError."""
        folder = self.folder / id_
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise PermissionError(0, "it is no folder that only this user can write")
        raw = read_own(folder / HEAD_FILE, MAX_BYTES)
        if raw is None:
            raise ValueError(f"it has no {HEAD_FILE}")
        try:
            data: Any = json.loads(raw)
            if not isinstance(data, dict) or data.get("schema") != SCHEMA:
                raise ValueError("it is of another version")
            head: ArchiveHead = decode_value(ArchiveHead, data.get("archive"))
            sums = {name: (int(size), str(digest)) for name, (size, digest) in data["contents"].items()}
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"its {HEAD_FILE} makes no sense") from error
        if head.id != id_ or not all(map(_FILE.match, sums)):
            raise ValueError(f"its {HEAD_FILE} is of something else")
        return _with_files(head, sums), sums

    def _content(self, id_: str, name: str, known: tuple[int, str]) -> bytes:
        raw = read_own(self.folder / id_ / name, MAX_BYTES)
        if raw is None:
            raise ValueError(f"{name} is missing")
        if (len(raw), hashlib.sha256(raw).hexdigest()) != known:
            raise ValueError(f"{name} is not what was written")
        return raw

    def _prune(self, written: str, now: float, told: Callable[[str], None] | None) -> None:
        """Let the oldest go where there are too many, and what killed clients left."""
        try:
            for entry in os.scandir(self.folder):
                if entry.name.startswith((_NEW, _GONE)) and entry.stat(follow_symlinks=False).st_mtime < now - LEFT_S:
                    shutil.rmtree(entry.path, ignore_errors=True)
            heads = self.list().archives
            total = sum(head.size_bytes for head in heads)
            for kept, head in zip(range(len(heads), 0, -1), reversed(heads), strict=True):
                if head.id == written or (kept <= self._most and total <= self._most_bytes):
                    break
                total -= head.size_bytes
                if self._drop(head.id) and head.time > now - YOUNG_S:
                    day = datetime.fromtimestamp(head.time, UTC).strftime("%Y-%m-%d")
                    text = phrase(
                        "The archive {id} of {place}, made on {day}, went: {folder} holds no more than that.",
                        id=head.id, place=head.label, day=day, folder=printable(str(self.folder)),
                    )  # fmt: skip
                    log.warning("%s", text)
                    if told is not None:
                        told(text)
        except (OSError, StorageError, ValueError, OverflowError) as error:  # what was to be kept is kept
            log.info("old archives stay for now: %s", error)

    def _drop(self, id_: str) -> bool:
        """First out of the list, in one step; then gone."""
        gone = self.folder / f"{_GONE}{id_}"
        try:
            (self.folder / id_).rename(gone)
        except FileNotFoundError:
            return False  # another client was faster
        shutil.rmtree(gone, ignore_errors=True)
        return True

    def _not_kept(self, record: EnvironmentRecord, error: OSError | StorageError) -> StorageError:
        place = f"{record.host}:{printable(record.prefix)}"
        message = phrase(
            "What is needed to make {place} again cannot be kept in {folder}: {reason}. Nothing was changed on {host}.",
            place=place, folder=printable(str(self.folder)), reason=_why(error), host=record.host,
        )  # fmt: skip
        remedy = error.remedy if isinstance(error, StorageError) else ""
        return StorageError(
            message, remedy or phrase("Free space there, or name another folder with CONDAFLEET_STATE_DIR.")
        )


def _with_files(head: ArchiveHead, sums: Mapping[str, tuple[int, str]]) -> ArchiveHead:
    names = tuple(sorted(name for name in sums if name != RECORD_FILE))
    return replace(head, files=names, size_bytes=sum(size for size, _ in sums.values()))


def _new_id(now: float) -> ArchiveId:
    when = datetime.fromtimestamp(now, UTC)
    return ArchiveId(f"{when:%Y%m%d-%H%M%S-%f}-{os.urandom(2).hex()}")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: Exception) -> str:
    if isinstance(error, StorageError):
        return error.message.rstrip(".")
    reason = error.strerror if isinstance(error, OSError) else None
    return printable(str(reason or error))
