"""`gnathos admin`, against a real database."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from gnathos.jobs.database import Database
from gnathos.jobs.submission import NewInput, NewJob, submit_job
from gnathos.jobs.tenants import find_tenant


@pytest.fixture(scope="module")
def admin(database_url):
    """Runs a command; what it printed, or its sentence if it refused."""

    def run(*arguments: str) -> Any:
        ended = subprocess.run(
            [sys.executable, "-m", "gnathos.cli", "admin", *arguments, "--json"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "GNATHOS_DATABASE_URL": database_url},
        )
        return json.loads(ended.stdout) if ended.returncode == 0 else ended.stderr

    return run


def test_a_tenant_with_clients_and_limits(admin) -> None:
    made = admin("create-tenant", "clinic")
    limited = admin("limit", "clinic", "--max-open-jobs", "7", "--result-hours", "0")
    client = admin("create-client", "clinic", "--name", "viewer")
    rotated = admin("rotate-client", "clinic", client["client_id"])
    (revoked,) = admin("revoke-client", "clinic", client["client_id"])

    assert made["limits"] == {
        "max_open_jobs": 5000,
        "max_stored_mb": 0,
        "jobs_per_minute": 0,
        "upload_hours": 24,
        "result_hours": 168,
        "deidentify": 0,
    }
    assert limited["limits"] == {**made["limits"], "max_open_jobs": 7, "result_hours": 0}
    assert rotated["client_secret"] != client["client_secret"]
    assert (revoked["name"], revoked["revoked"] is not None) == ("viewer", True)
    assert admin("limit", "clinic", "--max-open-jobs", "-1")["limits"]["max_open_jobs"] == 5000
    assert admin("disable-tenant", "clinic")["disabled"] is not None
    actions = [each["action"] for each in admin("audit", "clinic")]
    assert actions[:3] == ["tenant.created", "tenant.limited", "client.created"]
    assert [each["name"] for each in admin("tenants")] == ["clinic"]


def test_usage_is_counted(admin, database_url) -> None:
    admin("create-tenant", "counted")
    with Database(database_url) as database, database.transaction() as session:
        tenant_id = find_tenant(session, "counted").id
        new = NewJob("client", "26.11", {}, (NewInput("cbct", ".dcm"),), (), cloud_package="production")
        for end_user in ("a", "b", "a"):
            submit_job(tenant_id, session, replace(new, end_user_id=end_user))

    counted = admin("usage", "counted", "--since", "2020-01-01")

    assert [(each["cloud_package"], each["end_user_id"], each["jobs"]) for each in counted] == [
        ("production", "a", 2),
        ("production", "b", 1),
    ]
    assert admin("usage", "counted", "--until", "2020-01-01") == []


def test_what_is_not_there_is_said(admin) -> None:
    assert "No tenant is called 'nobody'." in admin("clients", "nobody")
    assert "gnathos admin tenants" in admin("clients", "nobody")
