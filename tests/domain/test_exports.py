"""Files to make an environment from: equal to conda's own, whole for hostile names, and without secrets."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from unicodedata import category

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from tests.domain.envrecords import (
    CONDAS,
    FORGE,
    MD5,
    RECORDS,
    SHA256,
    WORDS,
    asked,
    conda,
    history,
    of_recording,
    recorded,
)  # fmt: skip
from tui.domain.envrecord import (
    Condarc,
    CondaRecord,
    EnvironmentRecord,
    PipOrigin,
    PipRecord,
    Unread,
    redacted_config,
    without_secrets,
)  # fmt: skip
from tui.domain.explicit import explicit_urls, link_order
from tui.domain.exports import Export, Form, render
from tui.domain.losses import Missing, Reason, is_plain, losses
from tui.domain.piprequirements import requirement
from tui.domain.redact import redact
from tui.domain.remake import remake
from tui.domain.text import printable
from tui.domain.yamltext import scalar

ENVIRONMENT = EnvironmentRecord("gpu01", "/opt/conda/envs/a", "a", (conda("numpy"), conda("python", "3.11.7")))
SECRET = "hunter2-Zq9"


def data(export: Export) -> Any:
    return yaml.safe_load(export.text)


def reasons(export: Export) -> dict[Reason, tuple[str, ...]]:
    return {each.reason: each.names for each in export.missing}


def visible(text: str) -> str:
    """*text* as YAML can hold it: bytes that are no UTF-8 in printed form."""
    return re.sub("[\ud800-\udfff]", lambda half: printable(half[0]), text)


# What conda and micromamba printed for the same environment

FULL, PLAIN, ASKED = (recorded("conda-26.7.1", number) for number in ("29", "30", "31"))
LIST = recorded("conda-26.7.1", "08")


@pytest.mark.parametrize(("form", "theirs"), [(Form.FULL, FULL), (Form.NO_BUILDS, PLAIN)])
def test_the_file_is_condas_own_to_the_byte_but_for_the_prefix(form: Form, theirs: str) -> None:
    export = render(of_recording(LIST), form)
    assert export.text == "".join(
        line for line in theirs.splitlines(keepends=True) if line.strip() and not line.startswith("prefix:")
    )
    assert reasons(export).keys() == {Reason.LOCAL_CHANNEL}


def test_what_was_asked_for_is_what_conda_says_was_asked_for() -> None:
    record = of_recording(LIST, ("python=3.11", "pytorch=2.0.1", "torchvision"))
    theirs = yaml.safe_load(ASKED)
    ours = data(render(record, Form.FROM_HISTORY))
    assert ours["channels"] == theirs["channels"]
    assert sorted(ours["dependencies"]) == sorted(theirs["dependencies"])


def test_the_explicit_list_is_condas_own_but_for_its_signature() -> None:
    theirs = [line for line in LIST.splitlines() if line and not line.startswith("# created-by")]
    assert render(of_recording(LIST), Form.EXPLICIT).text.splitlines() == theirs


@pytest.mark.parametrize(("number", "form"), [("018", Form.FULL), ("080", Form.NO_BUILDS), ("081", Form.FROM_HISTORY)])
def test_micromambas_file_holds_the_same_pip_part_included(number: str, form: Form) -> None:
    requests = ("python=3.11", "pytorch=2.0.1", "torchvision", "pip")
    record = of_recording(recorded("micromamba-2.8.1", "013"), requests, (PipRecord("iniconfig", "2.0.0"),))
    theirs = yaml.safe_load(recorded("micromamba-2.8.1", number))
    del theirs["prefix"]
    assert data(render(record, form)) == {"channels": ["file:///srv/channel"], **theirs}  # theirs loses them in 081


def test_micromambas_explicit_list_is_the_same() -> None:
    theirs = recorded("micromamba-2.8.1", "083")
    assert render(of_recording(theirs), Form.EXPLICIT).text == theirs.rstrip("\n") + "\n"


# What a host may say


@given(WORDS | st.text())
def test_a_scalar_is_read_back_as_it_was_wherever_it_stands(text: str) -> None:
    written = scalar(text)
    assert written.isprintable()
    assert yaml.safe_load(f"k: {written}\n") == {"k": visible(text)}
    assert yaml.safe_load(f"k:\n  - {written}\n") == {"k": [visible(text)]}
    assert yaml.safe_load(f"{written}: 1\n") == {visible(text): 1}


@given(RECORDS, st.sampled_from(Form))
def test_whatever_a_host_says_no_form_holds_what_a_terminal_obeys(record: EnvironmentRecord, form: Form) -> None:
    export = render(record, form)
    assert not {category(char) for char in export.text if char not in "\n\u200c\u200d"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert export.text == "" or export.text.endswith("\n")
    for missing in export.missing:
        assert missing.text and missing.names == tuple(sorted(set(missing.names)))


@given(RECORDS, st.sampled_from([Form.FULL, Form.NO_BUILDS, Form.FROM_HISTORY]))
def test_whatever_a_host_says_the_file_reads_back_as_the_data(record: EnvironmentRecord, form: Form) -> None:
    read = data(render(record, form))
    clean = without_secrets(record)
    assert read["name"] == visible(clean.label)
    assert all(isinstance(each, str) for each in read["channels"])
    specs = [each for each in read["dependencies"] if isinstance(each, str)]
    if form is not Form.FROM_HISTORY:
        kept = [each for each in record.conda if is_plain(each)]
        names = [each.split("=")[0] for each in specs]
        assert names[: len(kept)] == [each.name for each in kept]
        assert names[len(kept) :] in ([], ["pip"])
    pip = [each["pip"] for each in read["dependencies"] if isinstance(each, dict)]
    assert [line for part in pip for line in part] == [
        line for each in clean.pip if (line := requirement(each)) is not None
    ]
    assert read.get("variables", {}) == {visible(name): visible(value) for name, value in clean.variables}


@given(RECORDS)
def test_every_line_of_a_freeze_is_one_requirement_or_a_comment(record: EnvironmentRecord) -> None:
    for line in render(record, Form.PIP).text.splitlines():
        if not line.startswith(("#", "-e ")):
            Requirement(line)
        assert not line.startswith("-") or line.startswith("-e ")


@given(RECORDS)
def test_every_line_of_an_explicit_list_is_one_address_or_a_comment(record: EnvironmentRecord) -> None:
    lines = render(record, Form.EXPLICIT).text.splitlines()
    listed = lines[lines.index("@EXPLICIT") + 1 :]
    assert len(listed) == len(record.conda)
    for line in listed:
        assert line.startswith("# left out: ") or re.fullmatch(r"\S+\.(conda|tar\.bz2)(#(sha256:)?[0-9a-f]+)?", line)


@given(st.lists(CONDAS, max_size=8))
def test_packages_are_linked_in_an_order_in_which_each_finds_what_it_needs(records: list[CondaRecord]) -> None:
    ordered = link_order(records)
    assert sorted(map(repr, ordered)) == sorted(map(repr, records))
    both = [conda("a", depends=("b", "z")), conda("b"), conda("z", depends=("y",)), conda("y")]
    assert [each.name for each in link_order(both)] == ["b", "y", "z", "a"]
    chain = [conda(name, depends=(wants,)) for name, wants in (("a", "b"), ("b", "z"), ("z", "glibc"), ("c", "a"))]
    assert [each.name for each in link_order(chain)] == ["z", "b", "a", "c"]
    circle = [conda("pip", depends=("python",)), conda("python", depends=("pip",)), conda("a", depends=("pip",))]
    assert [each.name for each in link_order(circle)] == ["python", "pip", "a"]


# Secrets


def test_no_form_holds_a_secret_and_each_place_is_named() -> None:
    private = f"https://conda.anaconda.org/t/{SECRET}/private"
    record = EnvironmentRecord(
        "gpu01", "/opt/conda/envs/a", "a",
        (conda("numpy", channel=private), conda("b", url=f"https://u:{SECRET}@x.example/ch/linux-64/b-1.0-h0_0.conda")),
        (PipRecord("own", "1.0", PipOrigin.URL, f"git+https://x:{SECRET}@git.example/own.git@abc"),),
        pins=(f"{private}::numpy",),
        variables=(("HF_TOKEN", f"{SECRET} and more"), ("DATA", "/data"), ("PROXY", f"http://a:{SECRET}@p:3128")),
        condarcs=(Condarc("/home/ada/.condarc", f"channels: [{private}]\n", (private,)),),
    )  # fmt: skip
    for form in Form:
        assert SECRET not in repr(render(record, form))
    clean = without_secrets(record)
    assert SECRET not in repr(clean) and "REDACTED" in clean.condarcs[0].text
    assert data(render(record, Form.FULL))["variables"] == {
        "HF_TOKEN": "REDACTED", "DATA": "/data", "PROXY": "http://REDACTED@p:3128",
    }  # fmt: skip
    (credentials,) = (each.names for each in losses(record) if each.reason is Reason.CREDENTIALS)
    assert credentials == (
        "/home/ada/.condarc", "HF_TOKEN", "PROXY", "https://REDACTED@x.example/ch",
        "https://conda.anaconda.org/t/REDACTED/private", "own",
    )  # fmt: skip
    assert without_secrets(clean) == clean


CONDARC = """\
# our mirror
channels:
  - conda-forge   # first
  - https://u:SECRET@mirror.example/ch
add_anaconda_token: true
channel_alias: "https://mirror.example/t/SECRET/x"
proxy_servers: {https: http://a:SECRET@proxy:3128, http: null}
api_key: SECRET two words
repo_tokens:
  - SECRET
secret:
    one: SECRET
    list:
    - SECRET
pkgs_dirs: [/data/pkgs]
password:
- SECRET
# token: SECRET
envs_dirs:
- /data/envs
"""


def test_a_configuration_keeps_all_but_its_secrets() -> None:
    shown = redacted_config(CONDARC.replace("SECRET", SECRET))
    assert SECRET not in shown
    theirs, ours = yaml.safe_load(CONDARC), yaml.safe_load(shown)
    for key in ("add_anaconda_token", "pkgs_dirs", "envs_dirs"):
        assert ours[key] == theirs[key]
    assert ours["channels"] == ["conda-forge", "https://REDACTED@mirror.example/ch"]
    assert "# our mirror" in shown and "# first" in shown
    assert redacted_config(shown) == shown


# What is asked of a tool


def test_an_environment_is_made_again_from_its_addresses_and_else_from_its_versions() -> None:
    pip = (PipRecord("rich", "13.0"), PipRecord("dev", "0.1", PipOrigin.EDITABLE, "/home/ada/dev"))
    wish = remake(replace(ENVIRONMENT, pip=pip))
    assert wish.explicit == explicit_urls(ENVIRONMENT) and len(wish.explicit) == 2
    assert (wish.specs, wish.channels, wish.pip, wish.withheld) == ((), ("conda-forge",), ("rich==13.0",), ())
    lost = conda("lost", url=None, channel=None, file_name=None)
    wish = remake(replace(ENVIRONMENT, conda=(lost, *ENVIRONMENT.conda)))
    assert wish.explicit == ()
    assert wish.specs == ("lost=1.0=h0_0", "numpy=1.0=h0_0", "python=3.11.7=h0_0")


def test_what_is_asked_of_a_tool_holds_no_secret_and_says_where_one_was() -> None:
    private = f"https://u:{SECRET}@x.example/ch"
    own = PipRecord("own", "1.0", PipOrigin.URL, f"https://x:{SECRET}@x.example/own-1.0.zip")
    wish = remake(EnvironmentRecord("gpu01", "/a", "a", (conda("numpy", channel=private), conda("python")), (own,)))
    assert SECRET not in repr(wish)
    assert wish.withheld == ("https://REDACTED@x.example/ch", "own")


# What cannot be made again


def test_an_ordinary_environment_can_be_made_again_from_every_form() -> None:
    for form in set(Form) - {Form.FROM_HISTORY}:
        assert render(ENVIRONMENT, form).missing == ()


def test_each_thing_that_cannot_be_made_again_is_named_with_its_reason() -> None:
    record = replace(
        ENVIRONMENT,
        conda=(
            conda("numpy", md5=None, sha256=None),
            conda("mine", channel="file:///home/ada/conda-bld"),
            conda("lost", url=None, channel=None, file_name=None),
            CondaRecord("torn-1.0-0", "torn", "1.0", "0", broken=True),
            CondaRecord("a b", "a b"),
        ),
        pip=(
            PipRecord("dev", "0.1", PipOrigin.EDITABLE, "/home/ada/dev"),
            PipRecord("wheel", "0.1", PipOrigin.LOCAL, "/tmp/wheel.whl"),
            PipRecord("repo", "0.1", PipOrigin.URL, "git+https://x.example/repo@abc"),
            PipRecord("torch", "2.5.1+cu124"),
            PipRecord("old"),
            PipRecord("-r evil", "1"),
        ),
        added_paths=(("x.pth", "/home/ada/lib"),),
        pins=("numpy 1.*",),
        unread=(Unread.HISTORY,),
    )
    assert {each.reason: each.names for each in losses(record)} == {
        Reason.EDITABLE: ("dev",),
        Reason.LOCAL: ("wheel",),
        Reason.DIRECT_URL: ("repo",),
        Reason.OTHER_INDEX: ("torch",),
        Reason.NO_VERSION: ("old",),
        Reason.ODD_NAME: ("-r evil", "a b"),
        Reason.LOCAL_CHANNEL: ("mine",),
        Reason.NO_ADDRESS: ("a b", "lost"),
        Reason.NO_HASH: ("numpy",),
        Reason.BROKEN_RECORD: ("torn",),
        Reason.ADDED_PATHS: ("/home/ada/lib",),
        Reason.PINS: ("numpy 1.*",),
        Reason.NOT_READ: ("history",),
    }
    full = render(record, Form.FULL)
    assert Reason.NO_HASH not in reasons(full)
    assert "# left out: a b (" in full.text and "# left out of pip: dev 0.1 (editable from /home/ada/dev)" in full.text
    explicit = render(record, Form.EXPLICIT)
    assert reasons(explicit)[Reason.PIP_PACKAGES] == ("-r evil", "dev", "old", "repo", "torch", "wheel")
    assert Reason.EDITABLE not in reasons(explicit)
    assert "file:///home/ada/conda-bld/linux-64/mine-1.0-h0_0.conda#" in explicit.text
    assert "# left out: torn-1.0-0" in explicit.text
    assert render(record, Form.PIP).text == (
        "# left out: -r evil==1 (no name or version that pip takes)\n"
        "# Editable install with no version control (dev==0.1)\n"
        "-e /home/ada/dev\n"
        "# left out: old (index, its version is not known)\n"
        "repo @ git+https://x.example/repo@abc\n"
        "torch==2.5.1+cu124\n"
        "wheel @ file:///tmp/wheel.whl\n"
    )


def test_of_many_names_the_first_few_are_said() -> None:
    text = Missing(Reason.EDITABLE, tuple("abcdefg")).text
    assert text == "pip packages that use their sources where they lie: a, b, c, d, e, … (7)"
    assert "\x1b" not in Missing(Reason.EDITABLE, ("\x1b[2J",)).text


def test_a_package_without_md5_is_verified_by_its_sha256() -> None:
    record = replace(ENVIRONMENT, conda=(conda("a", md5=None), conda("b", md5=MD5.upper(), sha256=None)))
    assert explicit_urls(record) == (
        f"{FORGE}/linux-64/a-1.0-h0_0.conda#sha256:{SHA256}",
        f"{FORGE}/linux-64/b-1.0-h0_0.conda",
    )


def test_an_address_is_put_together_where_the_record_names_none() -> None:
    record = replace(ENVIRONMENT, conda=(conda("a", url=None),))
    assert explicit_urls(record) == (f"{FORGE}/linux-64/a-1.0-h0_0.conda#{MD5}",)


# What was asked for


@pytest.mark.parametrize(
    ("revisions", "specs"),
    [
        ((asked("numpy>=1.2,<2", "python=3.11"),), ["numpy>=1.2,<2", "python=3.11"]),
        ((asked("numpy=1.25"), asked("numpy=1.26")), ["numpy=1.26"]),
        ((asked("numpy", "python"), asked("numpy", action="remove")), ["python"]),
        ((asked("conda-forge::numpy[version='>=1.2',build=py*]"),), ["conda-forge::numpy[version='>=1.2',build=py*]"]),
        ((asked("https://x.example/ch/linux-64::numpy==1.0=h0_0"),), ["numpy=1.0=h0_0"]),
        ((asked("numpy[url=https://x/numpy-1.0-h0_0.conda]"),), ["numpy=1.0=h0_0"]),
        ((asked("gone=1"), asked("numpy")), ["numpy"]),
        ((asked("numpy\x1b[2J"),), ["numpy=1.0=h0_0"]),
    ],
)  # fmt: skip
def test_what_was_asked_for_last_stands_as_it_was_asked_for(revisions: tuple[Any, ...], specs: list[str]) -> None:
    export = render(replace(ENVIRONMENT, history=history(*revisions)), Form.FROM_HISTORY)
    assert data(export)["dependencies"] == specs
    assert export.missing == ()


def test_a_package_that_is_called_after_secrets_keeps_its_version() -> None:
    record = replace(ENVIRONMENT, conda=(conda("x-token", requested=("x-token=1.0",)),))
    assert data(render(record, Form.FROM_HISTORY))["dependencies"] == ["x-token=1.0=h0_0"]
    redacted = replace(record, history=history(asked(redact("x-token=1.0"))))
    assert data(render(redacted, Form.FROM_HISTORY))["dependencies"] == ["x-token=1.0=h0_0"]


def test_without_a_history_the_records_say_what_was_asked_for() -> None:
    record = replace(ENVIRONMENT, conda=(conda("numpy", requested=("numpy>=1",)), conda("python")))
    assert data(render(record, Form.FROM_HISTORY))["dependencies"] == ["numpy>=1"]
    cut = replace(record, history=history(asked("python=3"), complete=False))
    export = render(cut, Form.FROM_HISTORY)
    assert data(export)["dependencies"] == ["numpy>=1", "python=3"]
    assert Reason.OLD_REQUESTS in reasons(export)
    assert reasons(render(ENVIRONMENT, Form.FROM_HISTORY)) == {Reason.NO_REQUESTS: ()}


def test_pip_stands_where_something_is_to_be_installed_with_it() -> None:
    record = replace(ENVIRONMENT, pip=(PipRecord("rich", "13.0"),), history=history(asked("python=3.11")))
    assert data(render(record, Form.FROM_HISTORY))["dependencies"] == ["python=3.11", "pip", {"pip": ["rich==13.0"]}]
    has = replace(record, conda=(*record.conda, conda("pip", "23.0")))
    assert data(render(has, Form.NO_BUILDS))["dependencies"][-2:] == ["pip=23.0", {"pip": ["rich==13.0"]}]
    assert data(render(replace(record, conda=()), Form.FULL))["dependencies"] == ["pip", {"pip": ["rich==13.0"]}]


# Channels


def test_channels_stand_in_the_order_in_which_they_were_asked_for() -> None:
    packages = (
        conda("numpy"), conda("python"), conda("scipy"),
        conda("cuda", channel="https://conda.anaconda.org/nvidia"),
        conda("cudnn", channel="https://conda.anaconda.org/nvidia"),
        conda("pytorch", channel="https://conda.anaconda.org/pytorch/label/nightly"),
        conda("mkl", channel="https://repo.anaconda.com/pkgs/main"),
        conda("own", channel="https://mirror.example/team"),
    )  # fmt: skip
    record = replace(ENVIRONMENT, conda=packages)
    nightly, mkl, own = "pytorch/label/nightly", "https://repo.anaconda.com/pkgs/main", "https://mirror.example/team"
    channels = data(render(record, Form.FULL))["channels"]
    assert channels[-2:] == ["nvidia", "conda-forge"], "the special before the general"
    asked_for = replace(
        record,
        history=history(
            asked(command="conda create -n a -c pytorch/label/nightly --channel=nvidia python"),
            asked(command="conda install -c team -c unused x"),
        ),
        condarcs=(Condarc("/a/.condarc", "", ("conda-forge", "defaults")),),
    )
    assert data(render(asked_for, Form.FULL))["channels"] == [nightly, "nvidia", own, "conda-forge", mkl]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (FORGE, "conda-forge"),
        ("https://conda.anaconda.org/pytorch/label/nightly", "pytorch/label/nightly"),
        ("https://mirror.example/conda-forge", "https://mirror.example/conda-forge"),
        ("file:///srv/channel", "file:///srv/channel"),
    ],
)
def test_a_channel_is_named_by_its_address_or_its_name_on_anaconda_org(address: str, name: str) -> None:
    assert data(render(replace(ENVIRONMENT, conda=(conda("a", channel=address),)), Form.FULL))["channels"] == [name]
    unnamed = conda("a", url=None, channel=address)
    assert data(render(replace(ENVIRONMENT, conda=(unnamed,)), Form.FULL))["channels"] == [name]
