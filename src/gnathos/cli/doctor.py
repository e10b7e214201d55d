"""`gnathos doctor`: what this installation is made of, and what is wrong with it."""

import json
import os
import platform
import shutil
import socket
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from gnathos import __version__
from gnathos.cli.exits import Exit
from gnathos.postgres import binaries
from gnathos.settings import Settings, variable_name

LIBRARIES = ("numpy", "onnxruntime", "pydicom", "sqlalchemy", "procrastinate", "obstore", "fastapi")
LEAST_FREE_GB = 5
LEAST_MEMORY_GB = 4
SECRET_SETTINGS = {"database_url", "store_url"}
"""May hold a password: told as set or not."""


def run(as_json: bool) -> Exit:
    """Print the report; exit 1 where something is wrong."""
    settings = Settings.from_environment()
    problems = _problems(settings)
    report: dict[str, Mapping[str, object]] = {
        "versions": _versions(),
        "machine": {"cores": os.cpu_count(), "memory_gb": round(_memory_gb(), 1), "user": os.geteuid()},
        "settings": {variable_name(name): _shown(name, value) for name, value in vars(settings).items()},
        "problems": {str(number): problem for number, problem in enumerate(problems, 1)},
    }
    if as_json:
        print(json.dumps(report, indent=2, default=str))
    else:
        _print(report)
    return Exit.UNEXPECTED if problems else Exit.OK


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in LIBRARIES}
    return {
        "gnathos": __version__,
        "python": platform.python_version(),
        "postgresql": binaries.wheel_version(),
        **libraries,
    }


def _problems(settings: Settings) -> list[str]:
    problems = []
    folder = _nearest_folder(settings.data)
    if not os.access(folder, os.W_OK):
        problems.append(f"{folder} cannot be written to; set GNATHOS_DATA to a folder that can.")
    if shutil.disk_usage(folder).free < LEAST_FREE_GB * 1e9:
        problems.append(f"Less than {LEAST_FREE_GB} GB are free at {folder}.")
    if _memory_gb() < LEAST_MEMORY_GB:
        problems.append(f"Less than {LEAST_MEMORY_GB} GB of memory; large scans will not fit.")
    if settings.port and not _is_free(settings.host, settings.port):
        problems.append(f"Port {settings.port} is taken, by an engine that runs or by something else.")
    return problems


def _nearest_folder(path: Path) -> Path:
    path = path.resolve()
    return path if path.is_dir() else _nearest_folder(path.parent)


def _is_free(host: str, port: int) -> bool:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _shown(name: str, value: object) -> object:
    return ("set" if value else "") if name in SECRET_SETTINGS else value


def _print(report: Mapping[str, Mapping[str, object]]) -> None:
    for title, rows in report.items():
        print(title)
        for name, value in rows.items():
            print(f"  {name:28} {value}")
        if not rows:
            print("  none")
