"""`gnathos doctor`: what this installation is made of, what is wrong with it, and what to do about it."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version

from gnathos import __version__
from gnathos.cli.checks import Check, Verdict, check_all
from gnathos.cli.exits import Exit
from gnathos.cli.machine import memory_gb
from gnathos.cli.tables import print_table
from gnathos.postgres import binaries
from gnathos.settings import Settings, variable_name

LIBRARIES = ("numpy", "onnxruntime", "pydicom", "sqlalchemy", "procrastinate", "obstore", "fastapi")
SECRET_SETTINGS = {"database_url", "store_url", "external_issuers"}
"""May hold a password: told as set or not."""


def run(as_json: bool) -> Exit:
    """Print the report; exit 1 where there is a problem."""
    settings = Settings.from_environment()
    checks = list(check_all(settings))
    if as_json:
        print(json.dumps(_report(settings, checks), indent=2, default=str))
    else:
        _print(settings, checks)
    return Exit.UNEXPECTED if any(each.verdict is Verdict.PROBLEM for each in checks) else Exit.OK


def _report(settings: Settings, checks: list[Check]) -> Mapping[str, object]:
    return {
        "versions": _versions(),
        "machine": {"cores": os.cpu_count(), "memory_gb": round(memory_gb(), 1), "user": os.geteuid()},
        "settings": _settings(settings),
        "checks": [asdict(each) for each in checks],
        "problems": [each.finding for each in checks if each.verdict is Verdict.PROBLEM],
    }


def _print(settings: Settings, checks: list[Check]) -> None:
    print_table(("version of", ""), _versions().items())
    changed = {name: value for name, value in _settings(settings).items() if name in os.environ}
    print_table(("setting", ""), changed.items() if changed else [("all", "as they are by default")])
    print_table(("check", "verdict", "found"), ((each.name, each.verdict, each.finding) for each in checks))
    for each in checks:
        if each.remedy:
            print(f"{each.name}: {each.remedy}")


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in LIBRARIES}
    own = {"gnathos": __version__, "python": platform.python_version(), "postgresql": binaries.wheel_version()}
    return {**own, **libraries}


def _settings(settings: Settings) -> dict[str, object]:
    return {
        variable_name(name): ("set" if value else "") if name in SECRET_SETTINGS else value
        for name, value in vars(settings).items()
    }
