"""What the stand-in says while it works: phases, bars and plans, as conda prints them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Sequence
from itertools import cycle
from types import TracebackType

from tui.demo.standin.dists import Dist, base_url, canonical, channel_name, dist_str, human, stem
from tui.demo.standin.place import Place, on_terminal

__all__ = ["Bars", "Phase", "activate_hint", "header", "plan_text"]

_FRAME_S = 0.1


class Phase:
    """``NAME: ...working... done``, and a turning bar on a terminal."""

    def __init__(self, place: Place, name: str) -> None:
        self._said = f"{name}: " if not place.as_json and not place.libmamba else ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        if not self._said:
            return
        sys.stdout.write(self._said if on_terminal() else f"{self._said}...working... ")
        sys.stdout.flush()
        if on_terminal():
            self._thread = threading.Thread(target=self._turn, daemon=True)
            self._thread.start()

    def _turn(self) -> None:
        for sign in cycle("-\\|/"):
            sys.stdout.write(f"{sign} ")
            sys.stdout.flush()
            stopped = self._stop.wait(_FRAME_S)
            sys.stdout.write("\b\b")
            if stopped:
                return

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if not self._said:
            return
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
        sys.stdout.write("done\n" if kind is None else "failed\n")
        sys.stdout.flush()


class Bars:
    """The bars of the packages that are fetched and unpacked."""

    def __init__(self, place: Place, dists: Sequence[Dist]) -> None:
        self._quiet = place.as_json or place.libmamba
        self._drawn = not self._quiet and on_terminal()
        self._at = {stem(dist): position for position, dist in enumerate(dists)}
        self._dists = dists
        self._width = max(_columns() - 44, 10)

    def begin(self) -> None:
        """Draw them all at nothing."""
        if self._quiet:
            return
        print("\nDownloading and Extracting Packages:", end="\n" if on_terminal() else " ...working...", flush=True)
        for dist in self._dists:
            self.show(dist, 0.0)

    def show(self, dist: Dist, part: float) -> None:
        """Draw one anew."""
        if not self._drawn or stem(dist) not in self._at:
            return
        size = human(int(dist.get("size") or 0))
        about = f"{dist['name']}-{dist['version']}"[:20]
        full = part * self._width
        bar = "#" * int(full) + (str(int(full % 1 * 10) or " ") if part < 1 else "")
        self._line(stem(dist), f"{about:<20} | {size:<9} | {bar:<{self._width}} | {part * 100:3.0f}% ")

    def _line(self, key: str, text: str) -> None:
        position = self._at[key]
        sys.stdout.write("\n" * position + f"\r{text}" + "\x1b[A" * position)
        sys.stdout.flush()

    def end(self) -> None:
        """Take them away."""
        if self._drawn:
            for key in self._at:
                self._line(key, " " * (_columns() - 1) + "\r")
            print("\r")
        elif not self._quiet:
            print(" done", flush=True)


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def header(place: Place, urls: Sequence[str], prefix: str) -> None:
    """What stands above a solve."""
    if place.as_json:
        return
    names = [canonical(place, url) for url in urls]
    print(f"Channel: {names[0]}" if len(names) == 1 else "Channels:\n" + "\n".join(f" - {name}" for name in names))
    print(f"Platform: linux-64\nTarget prefix: {prefix}", flush=True)


def plan_text(
    place: Place,
    prefix: str,
    unlink: Iterable[Dist],
    link: Iterable[Dist],
    fetch: Sequence[Dist],
    added: Sequence[str] = (),
    removed: Sequence[str] = (),
) -> str:
    """The package plan."""
    out = ["", "## Package Plan ##\n", f"  environment location: {prefix}", ""]
    for words, specs in (("removed", removed), ("added / updated", added)):
        if specs:
            out += [f"  {words} specs:", *(f"    - {spec}" for spec in sorted(specs)), ""]
    out.append("")
    if fetch:
        out += ["The following packages will be downloaded:\n", f"    {'package':<27}|{'build':>17}"]
        out.append(f"    {'-' * 27}|{'-' * 17}")
        for dist in sorted(fetch, key=lambda each: str(each["name"])):
            named = f"{dist['name']}-{dist['version']}"
            line = f"    {named:<27}|{dist['build']:>17}{human(dist['size']):>15}"
            out.append(f"{line}  {canonical(place, base_url(dist))}")
        out.append(" " * 4 + "-" * 60)
        out.append(" " * 43 + f"Total: {human(sum(dist['size'] for dist in fetch)):>14}")
        out.append("")
    gone = {str(dist["name"]): dist for dist in unlink}
    come = {str(dist["name"]): dist for dist in link}
    fresh = [f"  {name:<18} {dist_str(place, come[name], full=False)} " for name in sorted(come.keys() - gone.keys())]
    parts = [("The following NEW packages will be INSTALLED:", fresh)]
    parts.append(
        ("The following packages will be REMOVED:", [f"  {stem(gone[n])}" for n in sorted(gone.keys() - come.keys())])
    )
    changed: dict[str, list[str]] = {"UPDATED": [], "DOWNGRADED": [], "REVISED": []}
    for name in sorted(come.keys() & gone.keys()):
        changed[_way(gone[name], come[name])].append(_double(place, gone[name], come[name]))
    parts += [(f"The following packages will be {way}:", lines) for way, lines in changed.items()]
    for title, lines in parts:
        if lines:
            out += [f"{title}\n", *lines, ""]
    return "\n".join([*out, ""])


def _way(old: Dist, new: Dist) -> str:
    from rattler import Version

    if old["version"] == new["version"]:
        return "UPDATED" if new["build_number"] > old["build_number"] else "REVISED"
    return "UPDATED" if Version(str(new["version"])) > Version(str(old["version"])) else "DOWNGRADED"


def _double(place: Place, old: Dist, new: Dist) -> str:
    sides = []
    moved = base_url(old) != base_url(new) or old["subdir"] != new["subdir"]
    for each in (old, new):
        side = f"{each['version']}-{each['build']}"
        if moved:
            part = f"/{each['subdir']}" if old["subdir"] != new["subdir"] else ""
            side = f"{channel_name(place, base_url(each))}{part}::{each['name']}-{side}"
        sides.append(side)
    left = sides[0] if len(sides[0]) <= 38 else f"{sides[0][:37]}~"
    name = str(new["name"])
    name = name if len(name) <= 18 else f"{name[:17]}~"
    return f"  {name:<18} {left:>38} --> {sides[1]} "


def activate_hint(place: Place, name: str) -> None:
    """What stands at the end of a creation."""
    if place.as_json:
        return
    shown = f'"{name}"' if " " in name else name
    print("#\n# To activate this environment, use\n#")
    print(
        f"#     $ conda activate {shown}\n#\n# To deactivate an active environment, use\n#\n#     $ conda deactivate\n"
    )
