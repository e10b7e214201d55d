"""The environment, read once, by entry points only.

The fields of `Settings` are the single list: the documentation's table and `gnathos doctor` are made from it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gnathos.errors import InvalidSetting

HIGHEST_PORT = 65_535


def _setting(default: Any, description: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True)
class Settings:
    """Every setting; the environment variable is `GNATHOS_` and the field's name in capitals."""

    data: Path = _setting(Path("gnathos-data"), "folder that holds everything an installation keeps")
    host: str = _setting("127.0.0.1", "address the API listens on")
    port: int = _setting(8080, "port the API listens on; 0 takes a free one")
    public_url: str = _setting("", "URL at which clients reach the API; empty: from each request's Host header")
    region: str = _setting("local", "name of the region, told in tokens, results and discovery")
    database_url: str = _setting("", "PostgreSQL to use; empty: the embedded one, in the data folder")
    store_url: str = _setting("", "object store: file:///…, s3://bucket/prefix, az://…, gs://…; empty: the data folder")
    audience: str = _setting("virtualpatientengine.com", "audience of the tokens")
    token_hours: int = _setting(24, "how long a token is valid, in hours")
    url_minutes: int = _setting(60, "how long a signed URL is valid, in minutes")
    max_upload_mb: int = _setting(4096, "largest upload, in MB (10^6 bytes)")
    max_unpacked_mb: int = _setting(8192, "largest content of one upload once decompressed, in MB")
    receiving_seconds: int = _setting(
        20, "how long a file may be looked at when it is notified, in seconds; 0: it is looked at by its job only"
    )
    job_memory_mb: int = _setting(8192, "memory one job may use, in MB")
    job_minutes: int = _setting(30, "time one attempt at a job may take, in minutes")
    job_attempts: int = _setting(3, "attempts at a job before it is reported as failed")
    threads: int = _setting(0, "threads one job computes with; 0: as many as there are cores")
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    transfer_minutes: int = _setting(30, "time that one file may take to or from a client's URL, in minutes")
    allowed_networks: str = _setting(
        "", "private networks that clients' URLs may lead into, as CIDR with commas: 10.1.0.0/16,fd00::/8"
    )
    allowed_hosts: str = _setting(
        "", "the only hosts that clients' URLs may name, with commas; *.example.org for all below; empty: any public"
    )
    max_open_jobs: int = _setting(5000, "jobs of one tenant that may wait or run at a time; 0: any number")
    max_stored_mb: int = _setting(0, "size of one tenant's files at which no more jobs are taken, in MB; 0: any")
    jobs_per_minute: int = _setting(0, "jobs that one tenant may submit within a minute; 0: any number")
    upload_hours: int = _setting(24, "how long uploads are waited for, and kept after their job has ended; 0: for ever")
    result_hours: int = _setting(168, "how long a job and its results are kept after its end, in hours; 0: for ever")
    deidentify: int = _setting(0, "1: whose a DICOM scan is is taken out of it as it comes (see privacy); 0: it stays")
    external_issuers: str = _setting("", "JSON list of other token issuers: issuer, jwks_url, audience, tenant_claim")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, **given: Any) -> "Settings":
        """Read `GNATHOS_*`; what is `given` and not None wins.

        Raises:
            InvalidSetting: a value is not of its kind or out of its range; names the variable.
        """
        values: dict[str, Any] = {}
        for setting in fields(cls):
            variable = variable_name(setting.name)
            if given.get(setting.name) is not None:
                values[setting.name] = given[setting.name]
            elif variable in environment:
                values[setting.name] = _parse(variable, environment[variable], type(setting.default))
        _check_ranges(values)
        return cls(**values)

    def as_environment(self) -> dict[str, str]:
        """The settings as variables, for the roles that a supervisor starts."""
        return {variable_name(setting.name): str(getattr(self, setting.name)) for setting in fields(self)}


def variable_name(name: str) -> str:
    """The environment variable of a setting."""
    return f"GNATHOS_{name.upper()}"


def _parse(variable: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise InvalidSetting(f"{variable} is {text!r}, which is not a whole number.") from None


def _check_ranges(values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if isinstance(value, int) and value < 0:
            raise InvalidSetting(f"{variable_name(name)} is {value}; it has to be 0 or above.")
    if values.get("port", 0) > HIGHEST_PORT:
        raise InvalidSetting(f"{variable_name('port')} is {values['port']}; it has to be {HIGHEST_PORT} or below.")
