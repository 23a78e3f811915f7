"""Which file an environment is to be made again from, and where it is to lie on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tui.domain.environments import Environment
from tui.domain.exports import Form
from tui.domain.offers import offer_word
from tui.domain.phrases import phrase
from tui.domain.text import parse_printed, printable
from tui.ui.dialogs.form import Asked, FormDialog, Read, Remark
from tui.ui.language import said, tr
from tui.ui.present.cell import Tone, around, remote, shown
from tui.ui.present.lines import pair

__all__ = ["ExportDialog", "ExportWish"]

FORMS: dict[str, tuple[Form, str, str]] = {
    "full": (Form.FULL, phrase("environment.yml with versions and builds"), ".yml"),
    "no-builds": (Form.NO_BUILDS, phrase("environment.yml with versions"), ".yml"),
    "from-history": (Form.FROM_HISTORY, phrase("environment.yml with what was asked for, as it was"), ".yml"),
    "explicit": (Form.EXPLICIT, phrase("the very packages, by address and hash: nothing is solved"), ".txt"),
    "pip": (Form.PIP, phrase("pip's packages alone, as pip freeze writes them"), ".txt"),
}
"""As the command line calls them, with how a file of that kind ends."""

ExportWish = tuple[Form, Path]
"""What file, and where; nothing stands there that would be lost: who writes it makes sure."""


class ExportDialog(FormDialog[ExportWish]):
    """Returns what is to be written where. An empty path is a file named after the environment, in this directory."""

    def __init__(self, env: Environment) -> None:
        title = around(tr("Export {name}"), "name", remote(env.label, Tone.ACCENT))
        promise = tr("Nothing changes on the host: a new file is written on this machine.")
        lines = (pair(tr("Place"), remote(f"{env.host}:{env.prefix}")),)
        super().__init__(title, lines, tr("Write it"), promise)
        self._stem = shown(env.name or Path(env.prefix).name).replace("/", "-").lstrip(".-") or "environment"

    def asked(self) -> Iterable[Asked]:
        known = tuple(FORMS)
        return (
            Asked("form", tr("As"), "full", complete=lambda text: offer_word(text, known)),
            Asked("file", tr("To file"), example=f"./{self._stem}.yml"),
        )

    def read(self, values: Mapping[str, str]) -> Read[ExportWish]:
        word, text = values["form"].strip(), values["file"].strip()
        if word not in FORMS:
            kinds = ", ".join(FORMS)
            return Read(None, {"form": [Remark(tr("One of: {kinds}", kinds=kinds), Tone.BAD if word else Tone.DIM)]})
        form, about, ending = FORMS[word]
        raw = parse_printed(text)
        try:
            path = Path(raw).expanduser() if text else Path(f"{self._stem}{ending}")
        except RuntimeError:  # ~SOMEBODY whom this machine does not know
            path = None
        if path is None or "\0" in raw:
            return Read(None, {"file": [Remark(tr("There is no such place on this machine."), Tone.BAD)]})
        where = Remark(tr("Writes {path}", path=printable(str(path))))
        return Read((form, path), {"form": [Remark(said(about))], "file": [where]})
