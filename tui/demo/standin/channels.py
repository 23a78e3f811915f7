"""Channels as the stand-in reaches them: folders, mirrors that are folders, and HTTP servers on this machine."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tui.demo.standin.faults import Fault
from tui.demo.standin.place import Place

__all__ = ["Channel", "open_url", "read_channels"]

_SUBDIRS = ("linux-64", "noarch")
_LOCK_BYTE, _LOCK_TRIES = 21, 10
"""conda tries for ten seconds; `lock_tries` of the settings makes that shorter."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_RETRIES = 3
_PAUSE_S = 0.2
"""Between tries; conda's own grow to 13 s."""


class Channel:
    """A channel whose index lies in the package cache."""

    def __init__(self, url: str, files: dict[str, Path]) -> None:
        self.url = url
        self.files = files
        """The index of each subdir."""

    def entry(self, subdir: str, filename: str) -> dict[str, Any]:
        """What the index says of one archive, with its address."""
        body = json.loads(self.files[subdir].read_bytes())
        found = body["packages.conda"].get(filename) or body["packages"][filename]
        url = f"{self.url}/{subdir}"
        return {**found, "subdir": subdir, "channel": url, "fn": filename, "url": f"{url}/{filename}"}

    def names(self) -> set[str]:
        """The names of all its packages."""
        return {str(each["name"]) for each in self.entries()}

    def entries(self) -> Iterator[dict[str, Any]]:
        """All that its index lists, without addresses but with their file names."""
        for path in self.files.values():
            body = json.loads(path.read_bytes())
            for key in ("packages", "packages.conda"):
                for filename, entry in body[key].items():
                    yield {**entry, "fn": filename}


def read_channels(place: Place, urls: list[str]) -> list[Channel]:
    """Bring the indexes of *urls* into the cache. Raises Fault: unreachable, missing, locked."""
    folder = Path(place.pkgs_dirs[0], "cache")
    folder.mkdir(parents=True, exist_ok=True)
    return [_read(place, url, folder) for url in urls]


def _read(place: Place, url: str, folder: Path) -> Channel:
    files: dict[str, Path] = {}
    for subdir in _SUBDIRS:
        address = f"{url}/{subdir}/repodata.json"
        path = folder / f"{hashlib.md5(address.encode(), usedforsecurity=False).hexdigest()[:8]}.json"
        with _locked(path.with_suffix(".info.json"), int(place.settings.get("lock_tries", _LOCK_TRIES))):
            place.slow("collect")
            try:
                with open_url(place, address) as source:
                    body = source.read()
            except FileNotFoundError:
                if subdir == "noarch" and files:
                    continue
                raise _missing(url, address) from None
            except OSError as error:
                raise _unreachable(address, error) from None
            fresh = path.with_name(f"{path.name}.c~")
            fresh.write_bytes(body)
            fresh.replace(path)
        files[subdir] = path
    return Channel(url, files)


@contextmanager
def _locked(path: Path, tries: int) -> Iterator[None]:
    """conda's lock, which mamba knows too: one byte of the file beside the index."""
    with path.open("a+b") as held:
        for attempt in range(tries):
            try:
                fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _LOCK_BYTE)
                break
            except OSError:
                if attempt == tries - 1:
                    raise Fault("LockError", "Failed to acquire lock.") from None
                time.sleep(1)
        if not path.stat().st_size:
            held.write(b'{"mtime_ns": 0, "url": ""}')
        yield


def open_url(place: Place, url: str) -> Any:
    """Open *url* for reading. Raises FileNotFoundError, or OSError where nothing answers."""
    for address, folder in place.settings.get("mirrors", {}).items():
        if url.startswith(f"{address}/"):
            path = Path(folder, unquote(url[len(address) + 1 :]))
            _bring(path)
            return path.open("rb")
    parts = urlsplit(url)
    if parts.scheme == "file":
        return open(unquote(parts.path), "rb")  # noqa: PTH123 # for the caller
    if parts.hostname not in _LOOPBACK:
        raise OSError(f"Failed to resolve '{parts.hostname}' ([Errno -2] Name or service not known)")
    return _open_http(place, url, parts.hostname, parts.port)


def _bring(path: Path) -> None:
    """Have a demo make what is missing there."""
    if not path.exists():
        from tui.demo.channel_demo import bring

        bring(path)


def _open_http(place: Place, url: str, host: str, port: int | None) -> Any:
    import urllib.error
    import urllib.request

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for left in reversed(range(_RETRIES + 1)):
        try:
            return opener.open(urllib.request.Request(url, headers=_login(host)), timeout=30)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), url) from None
            raise OSError(f"HTTP {error.code} {error.reason} for url <{url}>") from None
        except urllib.error.URLError as error:
            connection = f"HTTPConnection(host='{host}', port={port})"
            why = f'NewConnectionError("{connection}: Failed to establish a new connection: {error.reason}")'
            if not left:
                raise OSError(why) from None
            if place.libmamba:
                print("warning  libmamba Retrying in 2 seconds", file=sys.stderr)
                continue
            print(
                f"Retrying (Retry(total={left - 1}, connect=None, read=None, redirect=None, status=None)) after "
                f"connection broken by '{why}': {urlsplit(url).path}\n",
                file=sys.stderr,
            )
            time.sleep(_PAUSE_S)
    raise AssertionError


def _login(host: str) -> dict[str, str]:
    """As conda and libmamba do, from the file that NETRC names; the account's own is not looked at."""
    import base64
    import netrc

    try:
        found = netrc.netrc(os.environ["NETRC"]).authenticators(host)
    except (KeyError, OSError, netrc.NetrcParseError):
        return {}
    if found is None:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode()}


def _missing(url: str, address: str) -> Fault:
    message = (
        f"HTTP 404 NOT FOUND for channel {url.rpartition('/')[2]} <{url}>\n\n"
        "The channel is not accessible or is invalid.\n\n"
        "You will need to adjust your conda configuration to proceed.\n"
        "Use `conda config --show channels` to view your configuration's current state,\n"
        "and use `conda config --show-sources` to view config file locations.\n"
    )
    return Fault("UnavailableInvalidChannel", message, channel_url=url, url=address, status_code=404)


def _unreachable(address: str, error: OSError) -> Fault:
    denied = "HTTP 40" in str(error)
    head = str(error) if denied else f"HTTP 000 CONNECTION FAILED for url <{address}>\nElapsed: -"
    message = (
        f"{head}\n\nAn HTTP error occurred when trying to retrieve this URL.\n"
        "HTTP errors are often intermittent, and a simple retry will get you on your way.\n"
        + ("" if denied else f"{error}\n")
    )
    return Fault("CondaHTTPError", message, url=address, status_code="000" if not denied else str(error)[5:8])
