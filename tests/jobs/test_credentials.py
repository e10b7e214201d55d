import threading

import pytest
from sqlalchemy import select

from gnathos.jobs.credentials import (
    TOKENS,
    URLS,
    check_secret,
    create_client,
    find_tenant,
    is_active,
    revoke_client,
    signing_keys,
)
from gnathos.jobs.tables import Client


@pytest.fixture
def client(database) -> tuple[str, str]:
    with database.transaction() as session:
        return create_client(session, "clinic", "workstation")


def test_a_secret_is_known_but_not_kept(database, client) -> None:
    client_id, client_secret = client
    with database.transaction() as session:
        identity = check_secret(session, client_id, client_secret)
        assert identity is not None
        assert identity.tenant_id == find_tenant(session, "clinic")
        row = session.scalars(select(Client).where(Client.id == client_id)).one()
        assert client_secret.encode() not in row.secret_sha256
        assert len(row.secret_sha256) == 32


def test_wrong_secrets_and_clients_are_refused(database, client) -> None:
    client_id, client_secret = client
    with database.transaction() as session:
        assert check_secret(session, client_id, client_secret + "x") is None
        assert check_secret(session, client_id, "") is None
        assert check_secret(session, "nobody", client_secret) is None


def test_a_revoked_client_is_refused(database, client) -> None:
    client_id, client_secret = client
    with database.transaction() as session:
        tenant_id = find_tenant(session, "clinic")
        assert tenant_id is not None
        revoke_client(tenant_id, session, client_id)
    with database.transaction() as session:
        assert check_secret(session, client_id, client_secret) is None
        assert not is_active(tenant_id, session, client_id)
        assert is_active(tenant_id, session)


def test_processes_that_start_at_once_share_their_keys(database) -> None:
    found: list[bytes] = []

    def start() -> None:
        with database.transaction() as session:
            found.append(signing_keys(session, TOKENS)[0].private)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 3
    assert len(set(found)) == 1
    with database.transaction() as session:
        assert len(signing_keys(session, URLS)[0].private) == 32
