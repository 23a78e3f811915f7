"""What tasks did, remembered on the operator's machine: JSON lines that are only ever added to, and bounded.

Two files at most: when the newer one is long enough it takes the place of the older. Every line stands for itself, so
that one that was half written when the disk was full or the machine died costs no other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tui.domain.errors import StorageError
from tui.domain.phrases import phrase
from tui.domain.taskhistory import TaskRecord
from tui.domain.tasks import TaskState, is_task_id
from tui.domain.text import printable
from tui.storage import paths
from tui.storage.atomic import read_own

__all__ = ["TaskHistory"]

VERSION = 1
FOLDER = "tasks"
MOST_BYTES = 4 << 20
"""How long a file grows before another is begun."""
SLACK = 1 << 20
PATIENCE_S = 5.0
"""How long another client is waited for, which adds its own."""
_TEXTS = ("id", "host", "kind", "target", "operator", "summary", "fault_kind", "fault_message")
_NUMBERS = ("started", "ended")


class TaskHistory:
    """Implements :class:`tui.ports.TaskHistoryStore` below *state_dir* (default: the user's).

    Safe with several clients; may be called from any thread, one call at a time. Folders are 0700, files 0600.
    """

    def __init__(self, state_dir: Path | None = None, *, most_bytes: int = MOST_BYTES) -> None:
        self._root = paths.state_dir() if state_dir is None else state_dir
        self._most_bytes = most_bytes
        self._known: set[tuple[str, str]] = set()

    @property
    def file(self) -> Path:
        """The newer of the two files."""
        return self._root / FOLDER / "history.jsonl"

    @property
    def older(self) -> Path:
        """The older one."""
        return self._root / FOLDER / "history.1.jsonl"

    def add(self, records: Sequence[TaskRecord]) -> None:
        """Remember *records*, each once, whoever else remembers them at the same time; see the port."""
        new = {record.key: record for record in records if record.key not in self._known}
        if not new:
            return
        try:
            paths.private_dir(self._root)
            paths.private_dir(self.file.parent)
            with self._alone():
                self._known = {record.key for record in self._read()}
                lines = [_line(record) for key, record in new.items() if key not in self._known]
                if lines:
                    self._append(b"".join(lines))
        except OSError as error:
            raise self._unusable(error) from error
        self._known.update(new)

    def load(self) -> tuple[TaskRecord, ...]:
        """All that is remembered, the newest first; see the port."""
        try:
            found = {record.key: record for record in self._read()}
        except OSError as error:
            raise self._unusable(error) from error
        return tuple(sorted(found.values(), key=lambda record: (-record.created, record.host, record.id)))

    def _read(self) -> Iterator[TaskRecord]:
        for path in (self.older, self.file):
            for line in (read_own(path, self._most_bytes + SLACK) or b"").split(b"\n"):
                if line and (record := _record(line)) is not None:
                    yield record

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else adds meanwhile. The kernel lets go of the lock of a client that died."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.file.parent / "history.lock", flags, 0o600)
        try:
            until = time.monotonic() + PATIENCE_S
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise
                time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)

    def _append(self, data: bytes) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self.file, flags, 0o600)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise PermissionError(0, "it is no plain file of this user")
            if status.st_size and status.st_size + len(data) > self._most_bytes:
                self.file.replace(self.older)
                os.close(descriptor)
                descriptor = os.open(self.file, flags | os.O_EXCL, 0o600)
            elif status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
                data = b"\n" + data  # what was cut off stays a line of its own
            while data:
                data = data[os.write(descriptor, data) :]
        finally:
            os.close(descriptor)

    def _unusable(self, error: OSError) -> StorageError:
        return StorageError(
            phrase(
                "The history of tasks in {file} cannot be used: {reason}.",
                file=printable(str(self.file)),
                reason=printable(error.strerror or str(error)),
            ),
            phrase("Free space there, or name another folder with CONDAFLEET_STATE_DIR."),
        )


def _line(record: TaskRecord) -> bytes:
    values = {"v": VERSION, **dataclasses.asdict(record)}
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


def _record(line: bytes) -> TaskRecord | None:
    """None for what makes no sense: a line that was cut, or of a later version."""
    try:
        values: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or values.pop("v", None) != VERSION:
        return None
    known = {field.name: values[field.name] for field in dataclasses.fields(TaskRecord) if field.name in values}
    try:
        argv, created, code = known["argv"], known["created"], known.get("exit_code")
        sound = (
            all(isinstance(known.get(name, ""), str) for name in _TEXTS)
            and all(_is_number(known.get(name, 0)) or known[name] is None for name in _NUMBERS)
            and isinstance(argv, list)
            and all(isinstance(word, str) for word in argv)
            and _is_number(created)
            and (code is None or (isinstance(code, int) and not isinstance(code, bool)))
            and is_task_id(known["id"])
        )
        if not sound:
            return None
        known["state"] = TaskState(known["state"])
        known["argv"] = tuple(argv)
        known["refused"] = known.get("refused") is True
        return TaskRecord(**known)
    except (KeyError, TypeError, ValueError):
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
