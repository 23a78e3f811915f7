"""info and config: what the install says of itself."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from tui.demo.standin.faults import Fault
from tui.demo.standin.listing import details
from tui.demo.standin.place import Place
from tui.demo.standin.plans import channels_of

__all__ = ["config", "info"]

_ALIAS = "https://conda.anaconda.org"


def info(place: Place, args: argparse.Namespace) -> None:
    """``conda info``."""
    if args.base:
        print(place.root)
        return
    told = _facts(place)
    if place.as_json:
        print(json.dumps(told, indent=2))
        return
    if args.envs:
        print("\n# conda environments:\n#")
        for prefix in place.known():
            print(f"{place.name_of(prefix):20}     {prefix}")
        print()
        return
    rows = [
        ("active environment", "None"),
        ("user config file", told["user_rc_path"]),
        ("populated config files", told["config_files"]),
        ("conda version", f"{place.version} (a stand-in, not conda)"),
        ("solver", told["solver"]["name"]),
        ("virtual packages", ["=".join(each) for each in told["virtual_pkgs"]]),
        ("base environment", f"{place.root}  (writable)"),
        ("channel URLs", told["channels"]),
        ("package cache", told["pkgs_dirs"]),
        ("envs directories", told["envs_dirs"]),
        ("platform", "linux-64"),
        ("user-agent", told["user_agent"]),
    ]
    print()
    for name, value in rows:
        lines = value if isinstance(value, list) else [value]
        print(f"{name:>26} : " + f"\n{'':29}".join(map(str, lines)))
    print("\n")


def _facts(place: Place) -> dict[str, Any]:
    args = argparse.Namespace(channel=[], override_channels=False)
    known = place.known()
    return {
        "platform": "linux-64",
        "conda_version": place.version,
        "conda_env_version": place.version,
        "conda_build_version": "not installed",
        "root_prefix": place.root,
        "conda_prefix": place.root,
        "root_writable": os.access(place.root, os.W_OK),
        "pkgs_dirs": place.pkgs_dirs,
        "envs_dirs": place.envs_dirs,
        "default_prefix": place.root,
        "active_prefix": None,
        "active_prefix_name": None,
        "conda_shlvl": -1,
        "channels": [f"{url}/{subdir}" for url in channels_of(place, args) for subdir in ("linux-64", "noarch")],
        "user_rc_path": f"{place.home}/.condarc",
        "rc_path": f"{place.home}/.condarc",
        "sys_rc_path": f"{place.root}/.condarc",
        "offline": False,
        "envs": known,
        "user_agent": f"conda/{place.version} stand-in/condafleet",
        "config_files": list(place.sources),
        "virtual_pkgs": [list(each) for each in place.virtual],
        "solver": {"name": "rattler", "user_agent": "stand-in/condafleet", "default": False},
        "stand_in": "This is a stand-in of condafleet's demo and tests, not conda.",
        "tmp_dir": os.environ.get("TMPDIR", "/tmp"),
        "UID": os.getuid(),
        "GID": os.getgid(),
        "site_dirs": [],
        "env_vars": {"CONDA_ROOT": place.root},
        "envs_details": {prefix: details(place, prefix) for prefix in known},
    }


def _settings(place: Place) -> dict[str, Any]:
    scheme, _, rest = str(place.value("channel_alias", _ALIAS)).partition("://")
    told: dict[str, Any] = {
        "add_pip_as_python_dependency": True,
        "allow_softlinks": False,
        "always_copy": False,
        "always_softlink": False,
        "always_yes": place.value("always_yes"),
        "auto_activate": True,
        "channel_alias": {"auth": None, "location": rest, "name": "", "scheme": scheme, "token": None},
        "channel_priority": place.value("channel_priority", "flexible"),
        "channels": place.listed("channels") or ["defaults"],
        "create_default_packages": place.listed("create_default_packages"),
        "default_channels": [],
        "envs_dirs": place.envs_dirs,
        "json": place.as_json,
        "offline": False,
        "path_conflict": "clobber",
        "pinned_packages": place.listed("pinned_packages"),
        "pkgs_dirs": place.pkgs_dirs,
        "quiet": False,
        "root_prefix": place.root,
        "rollback_enabled": True,
        "safety_checks": "warn",
        "solver": "rattler",
        "subdir": "linux-64",
    }
    return told


def config(place: Place, args: argparse.Namespace) -> int:
    """``conda config``, as far as it only looks."""
    if args.set is not None:
        known = _settings(place)
        if args.set[0] not in known:
            print_error = f"Unknown key: {args.set[0]!r}"
            import sys

            print(print_error, file=sys.stderr)
            raise Fault("CondaKeyError", f"{args.set[0]!r}: unknown parameter")
        raise Fault("CondaError", "the stand-in changes no configuration; edit .condarc")
    if args.show_sources:
        told: dict[str, Any] = dict(place.sources)
        if place.as_json:
            told["cmd_line"] = {"json": True}
            print(json.dumps(told, indent=2))
        else:
            for path, body in told.items():
                print(f"==> {path} <==\n{_yaml(body)}")
        return 0
    known = _settings(place)
    wanted = args.show or args.get or list(known)
    bad = [key for key in wanted if key not in known]
    if bad:
        raise Fault("ArgumentError", f"Invalid configuration parameters: \n  - {bad[0]}", code=2)
    chosen = {key: known[key] for key in wanted}
    print(json.dumps(chosen, indent=2) if place.as_json else _yaml(chosen), end="\n" if place.as_json else "")
    return 0


def _yaml(body: Any) -> str:
    import yaml

    return str(yaml.safe_dump(body, sort_keys=True, allow_unicode=True))
