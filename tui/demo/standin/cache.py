"""The package cache: flat, with archives and unpacked packages side by side, as conda keeps it; or nested by channel,
as libmamba's tools do since 2.6, which look into a flat one, too.

conda goes by the address: what is unpacked is another package where its record names another address, and an archive
is nobody's whose address the cache's ``urls.txt`` does not hold (``PackageCacheData._make_single_record``).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tui.demo.standin.channels import open_url
from tui.demo.standin.dists import Dist, stem
from tui.demo.standin.faults import Fault
from tui.demo.standin.place import Place, interruptible
from tui.demo.standin.show import Bars

__all__ = ["fetch_all", "to_fetch", "unpacked"]

_CHUNK = 1 << 15


def unpacked(place: Place, dist: Dist) -> Path | None:
    """Where *dist* lies, ready to be linked."""
    for folder in (at / stem(dist) for cache in place.pkgs_dirs for at in _spots(place, Path(cache), dist)):
        with suppress(OSError, ValueError):
            record = json.loads((folder / "info/repodata_record.json").read_bytes())
            same = record.get("sha256") == dist.get("sha256") if dist.get("sha256") and record.get("sha256") else True
            same = same and (not dist.get("md5") or not record.get("md5") or record["md5"] == dist["md5"])
            same = same and (place.libmamba or record.get("url") == dist["url"])
            if record.get("fn") == dist["fn"] and same:
                return folder
    return None


def _spots(place: Place, cache: Path, dist: Dist) -> list[Path]:
    """Where in *cache* it may lie."""
    return [cache / _below(place, dist), cache] if place.nested else [cache]


def _below(place: Place, dist: Dist) -> str:
    """In a nested cache, the folder of the channel."""
    if not place.nested:
        return ""
    return re.sub(r"[:]+/+", "/", str(dist["url"]).rpartition("/")[0]).replace(":", "_")


def to_fetch(place: Place, dists: Iterable[Dist]) -> list[Dist]:
    """Those whose archives are not there, nor what was in them."""
    return [dist for dist in dists if unpacked(place, dist) is None and _archive(place, dist) is None]


def _archive(place: Place, dist: Dist) -> Path | None:
    for cache in map(Path, place.pkgs_dirs):
        for spot in _spots(place, cache, dist):
            path = spot / str(dist["fn"])
            if path.is_file() and not _mismatch(path, dist) and (place.libmamba or _is_known(cache, dist)):
                return path
    return None


def _is_known(cache: Path, dist: Dist) -> bool:
    """Whether conda takes an archive for *dist*: what is unpacked beside it, or else the list of addresses, tells."""
    with suppress(OSError, ValueError):
        record = json.loads((cache / stem(dist) / "info/repodata_record.json").read_bytes())
        return bool(record.get("url") == dist["url"])
    with suppress(OSError):
        lines = (cache / "urls.txt").read_text("utf-8").split()
        return next((url for url in reversed(lines) if url.endswith(f"/{dist['fn']}")), None) == str(dist["url"])
    return False


def _mismatch(path: Path, dist: Dist) -> tuple[str, str, str] | None:
    """(kind, expected, actual) where a checksum is not what was promised."""
    for kind in ("sha256", "md5"):
        if dist.get(kind):
            body = path.read_bytes()
            actual = (
                hashlib.sha256(body) if kind == "sha256" else hashlib.md5(body, usedforsecurity=False)
            ).hexdigest()
            return None if actual == dist[kind] else (kind, str(dist[kind]), actual)
    return None


def fetch_all(place: Place, dists: Sequence[Dist]) -> None:
    """Bring all into the cache and unpack them, drawing bars."""
    todo = [dist for dist in dists if unpacked(place, dist) is None]
    bars = Bars(place, todo)
    bars.begin()
    try:
        if todo:
            with interruptible(place):
                cache = _writable(place)
                for dist in todo:
                    with _alone(cache):
                        if unpacked(place, dist) is None:
                            path = _archive(place, dist) or _download(place, cache, dist, bars)
                            _unpack(place, cache, path, dist)
                    bars.show(dist, 1.0)
    finally:
        bars.end()


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Two at once would take from each other what they unpack; whoever is killed holds it no longer."""
    held = os.open(cache, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _writable(place: Place) -> Path:
    for folder in place.pkgs_dirs:
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / "urls.txt").touch()
            (path / "urls").touch()
        except OSError:
            continue
        return path
    listed = "".join(f"\n  - {folder}" for folder in place.pkgs_dirs)
    raise Fault("NoWritablePkgsDirError", f"No writeable pkgs directories configured.{listed}\n")


def _download(place: Place, cache: Path, dist: Dist, bars: Bars) -> Path:
    url = str(dist["url"])
    target = cache / _below(place, dist) / str(dist["fn"])
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without a name of its own, what a killed micromamba had fetched looks whole.
    part = target if place.nested else target.with_name(f"{target.name}.partial")
    size = int(dist.get("size") or 0)
    try:
        source = open_url(place, url)
    except FileNotFoundError:
        message = f"HTTP 404 NOT FOUND for url <{url}>\nElapsed: -\n\nAn HTTP error occurred.\n"
        raise Fault("CondaHTTPError", message, url=url, status_code=404) from None
    except OSError as error:
        raise Fault(
            "CondaHTTPError", f"HTTP 000 CONNECTION FAILED for url <{url}>\nElapsed: -\n\n{error}\n", url=url
        ) from None
    try:
        with source, part.open("wb") as out:
            done = 0
            while chunk := source.read(_CHUNK):
                out.write(chunk)
                done += len(chunk)
                bars.show(dist, min(done / size, 1.0) if size else 1.0)
                out.flush()
                place.slow("download", len(chunk) / max(size, len(chunk)))
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    wrong = _mismatch(part, dist)
    if wrong:
        part.unlink()
        message = (
            f"Conda detected a mismatch between the expected content and downloaded content\nfor url '{url}'.\n"
            f"  download saved to: {target}\n  expected {wrong[0]}: {wrong[1]}\n  actual {wrong[0]}: {wrong[2]}\n"
        )
        raise Fault("ChecksumMismatchError", message, url=url)
    part.replace(target)
    with (cache / "urls.txt").open("a", encoding="utf-8") as urls:
        urls.write(f"{url}\n")
    return target


def _unpack(place: Place, cache: Path, path: Path, dist: Dist) -> None:
    from rattler.package_streaming import extract

    folder = cache / _below(place, dist) / stem(dist)
    if folder.exists():
        shutil.rmtree(folder)
    try:
        try:
            extract(path, folder)
        except Exception as error:
            number = re.search(r"os error ([0-9]+)", str(error))
            if number is not None:
                raise OSError(int(number[1]), str(error), str(folder)) from None
            told = f"Error with archive {path}.  You probably need to delete it.\n\n{error}"
            raise Fault("InvalidArchiveError", told) from None
        place.slow("extract")
        index = json.loads((folder / "info/index.json").read_bytes())
        (folder / "info/repodata_record.json").write_text(
            json.dumps(_record(path, dist, index), indent=2, sort_keys=True)
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _record(path: Path, dist: Dist, index: dict[str, Any]) -> dict[str, Any]:
    body = path.read_bytes()
    return {
        **{key: value for key, value in dist.items() if key not in ("link", "files", "paths_data")},
        **index,  # of a package of an explicit list no more is known than its address
        "md5": hashlib.md5(body, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(body).hexdigest(),
        "size": Path(path).stat().st_size,
    }
