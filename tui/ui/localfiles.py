"""Files of the operator's machine as a form takes them: offered while their path is typed, and read.

Nothing here waits for a file system longer than a moment: it is asked in threads of their own, which nobody awaits to
their end, because whoever touches a network mount whose server is gone may never come back.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tui.config.environment_file import load_environment_file
from tui.domain.envfile import EnvFile
from tui.domain.errors import CondafleetError
from tui.domain.offers import RECIPES, folder_of, offer_paths
from tui.domain.text import parse_printed, printable
from tui.domain.wishes import Recipe
from tui.ui.dialogs.form import Remark
from tui.ui.language import said, tr, trn
from tui.ui.newplaces import listed
from tui.ui.present.cell import Tone

__all__ = ["FileRead", "LocalFiles"]

LIMIT_S = 1.0
MOST_HUNG = 3
"""So many threads may hang before nothing is asked any more until one comes back."""
MOST_ENTRIES = 5000
"""Of a larger folder the rest is not offered."""


@dataclass(frozen=True)
class FileRead:
    """What a path comes to."""

    recipe: Recipe | None
    """None while it is no file that asks for something."""
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class _Looked:
    """What a thread brought back: a file's content, or why it has none; else what the path may become."""

    content: EnvFile | str | None = None
    offers: tuple[str, ...] = ()


class LocalFiles:
    """*changed* is called when more is known of a path than :meth:`get` said."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._text = ""
        self._known: tuple[_Looked | None] | None = None
        """What was last learnt of the text."""
        self._looking: asyncio.Task[_Looked | None] | None = None
        self._hung: dict[str, threading.Thread] = {}

    def get(self, text: str) -> FileRead:
        """What is known of *text* now; asks for more, and says when there is."""
        self._look(text, again=True)
        if self._known is None:
            return FileRead(None)
        (looked,) = self._known
        if looked is None:
            words = tr("This machine does not say what is there: it may be a network drive whose server is gone.")
            return FileRead(None, (Remark(words, Tone.BAD),))
        if isinstance(looked.content, str):
            return FileRead(None, (Remark(looked.content, Tone.BAD),))
        if looked.content is None:
            return FileRead(None, (_may_become(looked.offers),))
        read = looked.content
        recipe = Recipe(read.specs, read.pip, read.channels, read.explicit, left_out=read.left_out)
        return FileRead(recipe, tuple(_about(recipe)))

    async def complete(self, text: str) -> str | None:
        """What *text* most likely goes on to be."""
        looked = await asyncio.shield(self._look(text))
        return next((each for each in looked.offers if each != text), None) if looked is not None else None

    async def settle(self, text: str) -> None:
        """Have the file read again, for it may have changed since; :meth:`get` knows it then."""
        self._looking = None
        self._known = (await asyncio.shield(self._look(text)),)

    def _look(self, text: str, *, again: bool = False) -> asyncio.Task[_Looked | None]:
        if text != self._text:
            self._text, self._known, self._looking = text, None, None
        if self._looking is None or (again and self._looking.done()):
            self._looking = asyncio.create_task(self._ask(text), name="look at a file of this machine")
            self._looking.add_done_callback(self._told)
        return self._looking

    def _told(self, task: asyncio.Task[_Looked | None]) -> None:
        if task is not self._looking or task.cancelled():
            return
        before, self._known = self._known, (task.result(),)
        if self._known != before:
            self._changed()

    async def _ask(self, text: str) -> _Looked | None:
        """None when there is no answer in time."""
        self._hung = {place: thread for place, thread in self._hung.items() if thread.is_alive()}
        place = folder_of(text.strip())[0]
        if len(self._hung) >= MOST_HUNG or any(place.startswith(each) for each in self._hung):
            return None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_Looked] = loop.create_future()

        def tell(looked: _Looked) -> None:
            if not answer.done():
                answer.set_result(looked)

        def work() -> None:
            looked = _look_at(text)
            with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                loop.call_soon_threadsafe(tell, looked)

        # A daemon: the program ends without it.
        thread = threading.Thread(target=work, name="look at a file", daemon=True)
        thread.start()
        try:
            async with asyncio.timeout(LIMIT_S):
                return await answer
        except TimeoutError:
            self._hung[place] = thread
            return None


def _look_at(text: str) -> _Looked:
    """In a thread. What cannot be looked at offers nothing."""
    text = text.strip()
    try:
        path = Path(parse_printed(text)).expanduser()
        if text and path.is_file():
            return _Looked(_load(path))
        if text.startswith("~") and "/" not in text:
            return _Looked(offers=(f"{text}/",) if path.is_dir() else ())
        return _Looked(offers=tuple(offer_paths(text, islice(_entries(text), MOST_ENTRIES))))
    except PermissionError:
        return _Looked(tr("This account may not look there."))
    except (OSError, ValueError, RuntimeError):  # no such place, no possible name, nobody's home
        return _Looked()


def _load(path: Path) -> EnvFile | str:
    try:
        return load_environment_file(path)
    except CondafleetError as error:
        return said(error.message).split("\n")[0]


def _entries(text: str) -> Iterator[tuple[str, bool]]:
    """Names in the folder of *text*. A soft link is followed only where its name fits: it may lead to a dead mount."""
    folder, begun = folder_of(text)
    if begun == "..":
        yield begun, True
    with os.scandir(Path(parse_printed(folder)).expanduser()) as entries:
        for entry in entries:
            if printable(entry.name).startswith(begun):
                is_file = entry.name.casefold().endswith(RECIPES)
                yield entry.name, entry.is_dir(follow_symlinks=not is_file)


def _may_become(offers: tuple[str, ...]) -> Remark:
    names = [each.rstrip("/").rpartition("/")[2] + "/" * each.endswith("/") for each in offers]
    if not names:
        return Remark(tr("There is no such file on this machine."), Tone.BAD)
    return Remark(listed(names))


def _about(recipe: Recipe) -> Iterator[Remark]:
    number = len(recipe.specs) + len(recipe.explicit)
    text = trn("{n} conda package", "{n} conda packages", number)
    if recipe.pip:
        text = tr("{text}, {n} by pip", text=text, n=len(recipe.pip))
    yield Remark(text)
    if recipe.left_out:
        yield Remark(tr("Left out: {things}", things=listed([printable(each) for each in recipe.left_out])), Tone.WARN)
