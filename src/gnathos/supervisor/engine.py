"""Starting the roles in order, keeping them running, ending them in order."""

import contextlib
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gnathos.errors import AddressInUse
from gnathos.jobs.database import migrate
from gnathos.postgres import EmbeddedPostgres
from gnathos.settings import Settings
from gnathos.supervisor.first_client import ensure_client
from gnathos.supervisor.folder import held
from gnathos.supervisor.logs import LogPump
from gnathos.supervisor.roles import Role

ROLES_IN_ORDER_OF_START = ("api", "worker")
END_TIMEOUT_S = {"worker": 20.0, "api": 10.0}
"""How long a role may take to end after it was asked to."""
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
IDLE_TURN_S = 1.0
READY_CHECK_INTERVAL_S = 0.1
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Running:
    """An engine that takes jobs."""

    url: str
    credentials: Path
    is_first_start: bool


def run(settings: Settings, announce: Callable[[Running], None]) -> None:
    """Run the engine until SIGINT or SIGTERM; to be called in the main thread.

    Args:
        settings: as read from the environment and the command line.
        announce: told once, when the engine takes jobs.

    Raises:
        FolderInUse: another engine runs on the data folder.
        AddressInUse: something else listens on the port.
        EmbeddedPostgresFailed: the database does not start.
    """
    with held(settings.data) as folder, contextlib.closing(LogPump(folder / "logs")) as pump:
        port = settings.port or _free_port(settings.host)
        check_address(settings.host, port)
        supervisor = Supervisor(replace(settings, data=folder, port=port), pump)
        with supervisor.told_of_signals():
            try:
                supervisor.start()
                supervisor.keep_running(announce)
            finally:
                supervisor.stop()


class Supervisor:
    """The processes of one engine."""

    def __init__(self, settings: Settings, pump: LogPump) -> None:
        self._settings = settings
        self._pump = pump
        self._postgres: EmbeddedPostgres | None = None
        self._roles: list[Role] = []
        self._end_requests = 0
        self._url = settings.public_url.rstrip("/") or f"http://{_name_of(settings.host)}:{settings.port}"

    def start(self) -> None:
        """Start the database, bring it up to date, have a client, start the roles."""
        if not self._settings.database_url:
            self._start_postgres()
        database_url = self._settings.database_url
        migrate(database_url)
        audience = self._settings.audience
        self._credentials, self._is_first = ensure_client(self._settings.data, database_url, self._url, audience)
        environment = self._settings.as_environment() | self._local_sign_in()
        self._roles = [Role(name, self._pump, environment) for name in ROLES_IN_ORDER_OF_START]

    def keep_running(self, announce: Callable[[Running], None]) -> None:
        """Start again whatever ends, until a signal asks for the end."""
        is_announced = False
        while not self._end_requests:
            self._keep_postgres_running()
            for role in self._roles:
                role.keep_running()
            if not is_announced and self._is_ready():
                announce(Running(self._url, self._credentials, self._is_first))
                is_announced = True
            all_run = is_announced and not any(role.has_ended for role in self._roles)
            self._pump.turn(IDLE_TURN_S if all_run else READY_CHECK_INTERVAL_S)

    def stop(self) -> None:
        """End the worker, then the API, then the database: none misses what it needs to end well."""
        for role in reversed(self._roles):
            self._end(role)
        if self._postgres is not None:
            self._postgres.stop(timeout_s=0.5 if self._end_requests > 1 else 30)
            self._postgres_log.close()

    @contextlib.contextmanager
    def told_of_signals(self) -> Iterator[None]:
        """Count the signals that ask for the end; SIGCHLD only wakes the waiting."""
        previous = {number: signal.signal(number, self._note_end_request) for number in ENDING_SIGNALS}
        previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            yield
        finally:
            for number, action in previous.items():
                signal.signal(number, action)

    def _note_end_request(self, *_: object) -> None:
        self._end_requests += 1

    def _local_sign_in(self) -> dict[str, str]:
        """Lets the page on this machine in as the first client, where the API listens to this machine alone."""
        if self._settings.host not in LOOPBACK:
            return {}
        return {"GNATHOS_LOCAL_CLIENT": json.loads(self._credentials.read_text())["client_id"]}

    def _start_postgres(self) -> None:
        read_end, write_end = os.pipe()
        self._pump.follow("postgres", os.fdopen(read_end, "rb", buffering=0))
        self._postgres_log = os.fdopen(write_end, "wb", buffering=0)
        self._postgres = EmbeddedPostgres(self._settings.data, log=self._postgres_log)
        self._postgres.start()
        self._settings = replace(self._settings, database_url=self._postgres.url)

    def _keep_postgres_running(self) -> None:
        process = self._postgres.process if self._postgres else None
        if self._postgres is not None and process is not None and process.poll() is not None:
            self._pump.say("postgres", f"ended with code {process.returncode}; starting again")
            self._postgres.start()

    def _end(self, role: Role) -> None:
        role.ask_to_end()
        deadline = time.monotonic() + END_TIMEOUT_S[role.name]
        while not role.has_ended:
            if self._end_requests > 1 or time.monotonic() > deadline:
                role.ask_to_end(signal.SIGKILL)
            self._pump.turn(READY_CHECK_INTERVAL_S)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(_name_of(self._settings.host), self._settings.port, timeout=2)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()


def _name_of(host: str) -> str:
    """Where this machine reaches what listens on `host`."""
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - nothing is bound here


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])


def check_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on.

    Raises:
        AddressInUse: something else listens there, or this user may not, or it is none of this machine.
    """
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise AddressInUse(f"Cannot listen on {host}, port {port}: {os.strerror(error.errno or 0)}.") from error
