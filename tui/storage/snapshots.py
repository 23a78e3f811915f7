"""The last snapshots of all hosts, on the operator's machine: one file a host, whole or not there.

They are shown at the next start with their age, marked stale, and are never a ground for a change.
What cannot be read (damaged, foreign, of a newer version) is left out and logged, never fatal.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tui.domain.errors import StorageError
from tui.domain.packages import PackageInterner
from tui.domain.snapshot import HostSnapshot
from tui.domain.text import printable
from tui.storage import paths
from tui.storage.atomic import TEMPORARY, read_own, write_private
from tui.storage.codec import SCHEMA, decode_snapshot, encode_snapshot

__all__ = ["MAX_BYTES", "MAX_HOSTS", "SUFFIX", "Snapshots", "file_name", "unpack"]

log = logging.getLogger(__name__)

MAX_BYTES = 16 << 20
"""The longest a snapshot may be, before it is compressed; a longer one is not kept."""
MAX_HOSTS = 500
"""How many hosts are remembered; the files written longest ago go first."""
MAX_PLACES = 100
MAX_FOUND = 500
MAX_FOUND_BYTES = 512 << 10
LONGEST_PATH = 4096
SUFFIX = ".json.gz"


class Snapshots:
    """Implements :class:`tui.ports.SnapshotStore` below *state_dir* (default: the user's).

    Safe with several clients: each file is replaced in one step, the last one wins. ``load`` uses *interner*
    (one that a store shares makes equal packages one object in both); ``save`` touches nothing shared and may run
    in any thread. No method raises: a disk that fails costs the memory of hosts, nothing else, and is logged once.
    """

    def __init__(self, state_dir: Path | None = None, interner: PackageInterner | None = None) -> None:
        self._root = paths.state_dir() if state_dir is None else state_dir
        self._interner = PackageInterner() if interner is None else interner
        self._complained: set[str] = set()

    def load(self, hosts: Sequence[str]) -> dict[str, HostSnapshot]:
        """What was kept for *hosts*, each marked stale."""
        found: dict[str, HostSnapshot] = {}
        for host in hosts:
            path = self._root / "snapshots" / file_name(host, SUFFIX)
            try:
                raw = read_own(path, MAX_BYTES)
                if raw is None:
                    continue
                snapshot = decode_snapshot(json.loads(unpack(raw)), self._interner)
            except (OSError, ValueError, EOFError, zlib.error, RecursionError, TypeError) as error:
                # TypeError: a value that a dataclass, an enumeration or a hash does not take.
                log.warning("the snapshot of %s is left out: %s: %s", host, path, error)
                continue
            if snapshot.host == host:
                found[host] = snapshot
            else:
                log.warning("the snapshot of %s is left out: %s is of another host", host, path)
        return found

    def save(self, snapshot: HostSnapshot) -> None:
        """Keep *snapshot*, without the secrets that can be recognised."""
        raw = json.dumps(encode_snapshot(snapshot), separators=(",", ":"), check_circular=False).encode("ascii")
        if len(raw) > MAX_BYTES:
            log.warning("the snapshot of %s is not kept: %d bytes are more than %d", snapshot.host, len(raw), MAX_BYTES)
            return
        name = file_name(snapshot.host, SUFFIX)
        folder = self._write("snapshots", name, gzip.compress(raw, 1, mtime=0))
        if isinstance(folder, Path):
            self._prune(folder, name)

    def load_search(self, host: str) -> tuple[str, ...]:
        """The places that ``--search`` added for *host*, remembered."""
        places = self._read_search(host).get("paths")
        return tuple(place for place in places if isinstance(place, str)) if isinstance(places, list) else ()

    def load_found(self, host: str) -> tuple[str, ...]:
        """The prefixes of environments that searches found on *host*, remembered."""
        found = self._read_search(host).get("found")
        return tuple(prefix for prefix in found if _is_prefix(prefix)) if isinstance(found, list) else ()

    def _read_search(self, host: str) -> dict[str, Any]:
        path = self._root / "search" / file_name(host, ".json")
        try:
            raw = read_own(path, 1 << 20)
            data: Any = None if raw is None else json.loads(raw)
        except (OSError, ValueError, RecursionError) as error:
            log.warning("the places remembered for %s are left out: %s: %s", host, path, error)
            return {}
        if not isinstance(data, dict) or data.get("schema") != SCHEMA or data.get("host") != host:
            return {}
        return data

    def save_search(self, host: str, paths: Sequence[str], found: Sequence[str] = ()) -> str | None:
        """Remember the places for *host*, at most the last 100, each once; none forgets them.

        Of the prefixes *found* the first 500, as far as half a MiB reaches: a start reads all of the file.
        Returns why it could not, or None.
        """
        kept = list(dict.fromkeys(paths))[-MAX_PLACES:]
        data = {"schema": SCHEMA, "host": host, "paths": kept, "found": _first(found)}
        kept_in = self._write("search", file_name(host, ".json"), json.dumps(data).encode("ascii"))
        return kept_in if isinstance(kept_in, str) else None

    def _write(self, folder: str, name: str, data: bytes) -> Path | str:
        """The folder that *data* is in now, or why it is not."""
        try:
            paths.private_dir(self._root)
            target = paths.private_dir(self._root / folder)
            write_private(target / name, data)
        except (OSError, StorageError) as error:
            if folder not in self._complained:
                self._complained.add(folder)
                log.warning("nothing is kept in %s: %s", self._root / folder, error)
            why = error.strerror if isinstance(error, OSError) else error.message
            return printable(f"nothing can be kept in {self._root / folder}: {why or error}")
        return target

    def _prune(self, folder: Path, written: str) -> None:
        try:
            for left in folder.glob(f"{TEMPORARY}*"):  # by a client that was killed while it wrote
                if left.stat().st_mtime < (folder / written).stat().st_mtime - 3600:
                    left.unlink(missing_ok=True)
            files = [path for path in folder.iterdir() if path.name.endswith(SUFFIX)]
            if len(files) <= MAX_HOSTS:
                return
            aged = sorted((path for path in files if path.name != written), key=lambda path: path.stat().st_mtime_ns)
            for path in aged[: len(files) - MAX_HOSTS]:
                path.unlink(missing_ok=True)
        except OSError as error:  # another client prunes at the same time
            log.info("old snapshots stay for now: %s", error)


def _is_prefix(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/") and len(value) <= LONGEST_PATH and "\0" not in value


def _first(found: Sequence[str]) -> list[str]:
    kept: list[str] = []
    left = MAX_FOUND_BYTES
    for prefix in filter(_is_prefix, dict.fromkeys(found)):
        left -= len(json.dumps(prefix))
        if left < 0 or len(kept) == MAX_FOUND:
            break
        kept.append(prefix)
    return kept


def file_name(host: str, suffix: str) -> str:
    """A name that no host name can bend, different for hosts that differ in case alone."""
    shown = re.sub(r"[^A-Za-z0-9_-]", "_", host)[:40]
    return f"{shown}-{hashlib.blake2b(host.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}{suffix}"


def unpack(raw: bytes) -> bytes:
    """The content of a gzip file of at most MAX_BYTES. Raises ValueError, EOFError, zlib.error."""
    unpacker = zlib.decompressobj(wbits=31)
    data = unpacker.decompress(raw, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it unpacks to more than {MAX_BYTES} bytes")
    if not unpacker.eof:
        raise EOFError("it ends too early")
    return data
