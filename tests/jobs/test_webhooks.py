import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy

from gnathos.errors import DeliveryPending, UnknownDelivery
from gnathos.jobs.credentials import ensure_tenant
from gnathos.jobs.deletion import cancel_job
from gnathos.jobs.submission import submit_job
from gnathos.jobs.webhooks import (
    RETRY_DELAYS_S,
    active_secrets,
    begin_try,
    end_try,
    list_deliveries,
    requeue_lost_deliveries,
    rotate_secret,
    send_again,
    written,
)

URL = "https://clinic.test/hook?token=1"


@pytest.fixture
def delivery(database, tenant_id, new_job):
    with database.transaction() as session:
        job = submit_job(tenant_id, session, new_job(finish_webhook=URL))
        cancel_job(tenant_id, session, job.id, "client")
        (found,) = list_deliveries(tenant_id, session)
    return found


def fail(database, delivery, status: int | None = 503, is_final: bool = False) -> str:
    with database.transaction() as session:
        return end_try(delivery.tenant_id, session, delivery.id, status, "It failed.", is_final)


def read(database, delivery):
    with database.transaction() as session:
        return next(each for each in list_deliveries(delivery.tenant_id, session) if each.id == delivery.id)


def places(database, delivery) -> int:
    query = sqlalchemy.text("SELECT count(*) FROM procrastinate_jobs WHERE args->>'delivery_id' = :id")
    with database.transaction() as session:
        return session.scalars(query, {"id": delivery.id}).one()


def test_the_end_of_a_job_makes_a_message(database, delivery) -> None:
    with database.transaction() as session:
        wanted = begin_try(delivery.tenant_id, session, delivery.id)

    assert wanted is not None
    assert (wanted.url, wanted.job_id, len(wanted.secrets)) == (URL, delivery.job_id, 1)
    assert places(database, delivery) == 1


def test_a_message_is_tried_for_more_than_a_day_and_then_kept(database, delivery) -> None:
    waited_s = 0.0
    for number in range(len(RETRY_DELAYS_S)):
        assert fail(database, delivery) == "pending"
        found = read(database, delivery)
        pause_s = (found.next_try_at - datetime.now(UTC)).total_seconds()
        assert 0.99 * RETRY_DELAYS_S[number] - 1 < pause_s < 1.1 * RETRY_DELAYS_S[number] + 1
        assert (found.tries, found.last_status) == (number + 1, 503)
        waited_s += RETRY_DELAYS_S[number]

    assert fail(database, delivery) == "dead"
    assert waited_s > timedelta(days=1).total_seconds()
    with database.transaction() as session:
        assert begin_try(delivery.tenant_id, session, delivery.id) is None
        assert [each.id for each in list_deliveries(delivery.tenant_id, session, ["dead"])] == [delivery.id]


def test_what_was_given_up_is_sent_again_under_its_id(database, delivery) -> None:
    assert fail(database, delivery, 410, is_final=True) == "dead"
    with database.transaction() as session:
        again = send_again(delivery.tenant_id, session, delivery.id)
    assert (again.id, again.state, again.tries) == (delivery.id, "pending", 0)
    with database.transaction() as session, pytest.raises(DeliveryPending):
        send_again(delivery.tenant_id, session, delivery.id)
    with database.transaction() as session, pytest.raises(UnknownDelivery):
        send_again(ensure_tenant(session, "stranger"), session, delivery.id)

    with database.transaction() as session:
        assert end_try(delivery.tenant_id, session, delivery.id, 204, None, False) == "delivered"
    assert read(database, delivery).last_error is None


def test_a_message_that_lost_its_place_gets_one(database, delivery) -> None:
    with database.transaction() as session:
        session.execute(sqlalchemy.text("DELETE FROM procrastinate_jobs"))
    with database.transaction() as session:
        assert requeue_lost_deliveries(session) >= 1
    assert places(database, delivery) == 1
    with database.transaction() as session:
        assert requeue_lost_deliveries(session) == 0


def test_a_tenant_with_many_messages_lets_others_go_first(database, tenant_id, new_job) -> None:
    other = uuid.uuid4().hex
    with database.transaction() as session:
        tenants = [tenant_id] * 3 + [ensure_tenant(session, other)]
        for each in tenants:
            job = submit_job(each, session, new_job(finish_webhook=URL))
            cancel_job(each, session, job.id, "client")
    query = sqlalchemy.text("SELECT args->>'tenant_id' FROM procrastinate_jobs ORDER BY priority DESC, id")
    with database.transaction() as session:
        order = list(session.scalars(query))

    assert order.index(str(tenants[3])) < [place for place, each in enumerate(order) if each == str(tenant_id)][-2]


def test_two_keys_sign_while_they_are_changed(database, tenant_id) -> None:
    with database.transaction() as session:
        (first,) = active_secrets(tenant_id, session)
    with database.transaction() as session:
        new, old = rotate_secret(tenant_id, session, keep_old_hours=2)
        assert old.secret == first.secret != new.secret
        assert new.expires_at is None
        assert 7100 < (old.expires_at - datetime.now(UTC)).total_seconds() <= 7200
        assert written(new.secret).startswith("whsec_")
        old.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    with database.transaction() as session:
        assert [each.secret for each in active_secrets(tenant_id, session)] == [new.secret]
        assert active_secrets(ensure_tenant(session, str(uuid.uuid4())), session)[0].secret != new.secret
