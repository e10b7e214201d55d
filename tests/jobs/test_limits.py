import threading
import uuid

import pytest

from gnathos.errors import QuotaReached, StorageFull, TooManyJobs, TooManyOpenJobs, UnknownClient, UnknownTenant
from gnathos.jobs.audit import entries
from gnathos.jobs.credentials import check_secret
from gnathos.jobs.deletion import cancel_job, delete_job
from gnathos.jobs.limits import Limits, limits_of
from gnathos.jobs.submission import submit_job
from gnathos.jobs.tenants import (
    add_client,
    create_tenant,
    disable_tenant,
    find_tenant,
    list_clients,
    list_tenants,
    revoke_client,
    rotate_client,
    set_limits,
)
from gnathos.jobs.uploads import Upload, record_upload


def submit(database, tenant_id, new, usual: Limits, key: str | None = None):
    with database.transaction() as session:
        return submit_job(tenant_id, session, new, key, usual)


def test_open_jobs(database, tenant_id, new_job) -> None:
    usual = Limits(max_open_jobs=2)
    first = submit(database, tenant_id, new_job(), usual, "key")
    submit(database, tenant_id, new_job(), usual)

    with pytest.raises(TooManyOpenJobs, match="2 open jobs") as caught:
        submit(database, tenant_id, new_job(), usual)

    assert caught.value.retry_after_s == 30
    assert submit(database, tenant_id, new_job(), usual, "key").id == first.id  # a repetition makes no job
    with database.transaction() as session:
        cancel_job(tenant_id, session, first.id, "client")
    submit(database, tenant_id, new_job(), usual)


def test_many_at_once_are_no_more_than_may_be(database, tenant_id, new_job) -> None:
    ends: list[str] = []

    def one() -> None:
        try:
            submit(database, tenant_id, new_job(), Limits(max_open_jobs=3))
            ends.append("made")
        except QuotaReached:
            ends.append("refused")

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(ends) == ["made"] * 3 + ["refused"] * 5


def test_the_rate(database, tenant_id, new_job) -> None:
    usual = Limits(jobs_per_minute=2)
    for _ in range(2):
        submit(database, tenant_id, new_job(), usual)

    with pytest.raises(TooManyJobs) as caught:
        submit(database, tenant_id, new_job(), usual)

    assert 50 < caught.value.retry_after_s <= 61


def test_stored_bytes(database, tenant_id, new_job) -> None:
    usual = Limits(max_stored_mb=1)
    job = submit(database, tenant_id, new_job(), usual)
    with database.transaction() as session:
        record_upload(tenant_id, session, job.id, "cbct", Upload("objects/scan", 1_000_000, "ab" * 32))

    with pytest.raises(StorageFull):
        submit(database, tenant_id, new_job(), usual)

    with database.transaction() as session:
        delete_job(tenant_id, session, job.id, "client")
    submit(database, tenant_id, new_job(), usual)


def test_limits_of_a_tenants_own(database) -> None:
    with database.transaction() as session:
        create_tenant(session, "big clinic")
        tenant = find_tenant(session, "big clinic")
        set_limits(tenant, session, {"max_open_jobs": 50, "result_hours": 0})
        found = limits_of(tenant.id, session, Limits(max_open_jobs=2, upload_hours=24, result_hours=168))
        assert found == Limits(max_open_jobs=50, upload_hours=24, result_hours=0)
        with pytest.raises(UnknownTenant):
            find_tenant(session, "nobody")


def test_the_life_of_a_client(database) -> None:
    name = f"clinic {uuid.uuid4()}"
    with database.transaction() as session:
        tenant_id = create_tenant(session, name)
        tenant = find_tenant(session, name)
        client_id, first = add_client(session, tenant, "viewer")
        assert check_secret(session, client_id, first) is not None
        second = rotate_client(tenant_id, session, client_id)
        assert check_secret(session, client_id, first) is None
        assert check_secret(session, client_id, second) is not None
        disable_tenant(tenant, session, True)
        session.flush()
        assert check_secret(session, client_id, second) is None
        disable_tenant(tenant, session, False)
        session.flush()
        assert check_secret(session, client_id, second) is not None
        revoke_client(tenant_id, session, client_id)
        session.flush()
        assert check_secret(session, client_id, second) is None
        with pytest.raises(UnknownClient):
            rotate_client(create_tenant(session, "other"), session, client_id)

    with database.transaction() as session:
        assert name in [each.name for each in list_tenants(session)]
        assert [each.name for each in list_clients(tenant_id, session)] == ["viewer"]
        noted = entries(tenant_id, session)
    assert [each.action for each in noted] == [
        *("tenant.created", "client.created", "client.rotated", "tenant.disabled", "tenant.enabled", "client.revoked")
    ]
    assert {each.actor for each in noted} == {"operator"}
    assert first not in str([each.details for each in noted])
