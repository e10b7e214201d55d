"""`gnathos admin`, against a real database."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest


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
    }
    assert limited["limits"] == {**made["limits"], "max_open_jobs": 7, "result_hours": 0}
    assert rotated["client_secret"] != client["client_secret"]
    assert (revoked["name"], revoked["revoked"] is not None) == ("viewer", True)
    assert admin("limit", "clinic", "--max-open-jobs", "-1")["limits"]["max_open_jobs"] == 5000
    assert admin("disable-tenant", "clinic")["disabled"] is not None
    actions = [each["action"] for each in admin("audit", "clinic")]
    assert actions[:3] == ["tenant.created", "tenant.limited", "client.created"]
    assert [each["name"] for each in admin("tenants")] == ["clinic"]


def test_what_is_not_there_is_said(admin) -> None:
    assert "No tenant is called 'nobody'." in admin("clients", "nobody")
    assert "gnathos admin tenants" in admin("clients", "nobody")
