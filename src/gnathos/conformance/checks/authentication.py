"""1.2: tokens by client credentials."""

import base64
import json

from gnathos.conformance.check import Section
from gnathos.conformance.jobs import body
from gnathos.conformance.run import Run
from gnathos.conformance.verdicts import REFUSED, expect, json_of, require

section = Section("1.2")

DAY_S = 24 * 3600
UNAUTHENTICATED = {401, 403}
UNKNOWN_JOB = "00000000-0000-4000-8000-000000000000"


@section.contract("a JSON body with grant_type, audience, client_id and client_secret gets an `access_token`")
def gives_tokens(run: Run) -> None:
    answer = expect(run.server.send("POST", run.server.access.token_url, json=run.server.access.grant()), 200)
    require(isinstance(json_of(answer).get("access_token"), str), "the answer has no `access_token`")


@section.contract("a token is valid for 24 hours")
def gives_tokens_for_a_day(run: Run) -> str:
    answer = expect(run.server.send("POST", run.server.access.token_url, json=run.server.access.grant()), 200)
    lifetime_s = json_of(answer).get("expires_in") or _lifetime_of(json_of(answer)["access_token"])
    require(lifetime_s == DAY_S, f"it is valid for {lifetime_s} s")
    return f"{lifetime_s} s"


@section.contract("one token serves several calls")
def takes_a_token_again(run: Run) -> None:
    for _ in range(2):
        expect(run.server.post_job(body()), 200)


@section.contract("POST /job needs the token")
def protects_submissions(run: Run) -> None:
    expect(run.server.send("POST", run.server.route("job"), json=body()), UNAUTHENTICATED)


@section.contract("GET /pollJobResults needs the token")
def protects_results(run: Run) -> None:
    job = run.server.submit(body())
    expect(run.server.send("GET", run.server.route("pollJobResults"), params={"jobId": job.id}), UNAUTHENTICATED)


@section.contract("the notification URL needs the token")
def protects_notifications(run: Run) -> None:
    job = run.server.submit(body())
    run.server.upload(job, "cbct", b"x")
    expect(run.server.send("PUT", job.notify_url("cbct")), UNAUTHENTICATED)


@section.tolerant("the token's answer has `token_type` Bearer and `expires_in`, as Auth0's has")
def answers_as_auth0(run: Run) -> None:
    content = json_of(run.server.send("POST", run.server.access.token_url, json=run.server.access.grant()))
    require(str(content.get("token_type")).lower() == "bearer", f"`token_type` is {content.get('token_type')!r}")
    require(content.get("expires_in") == DAY_S, f"`expires_in` is {content.get('expires_in')!r}")


@section.tolerant("a missing token is answered 401")
def says_unauthorized(run: Run) -> None:
    expect(run.server.send("GET", run.server.route("pollJobResults"), params={"jobId": UNKNOWN_JOB}), 401)


@section.tolerant("a token that is none is answered 401")
def refuses_forged_tokens(run: Run) -> None:
    headers = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}
    route = run.server.route("pollJobResults")
    expect(run.server.send("GET", route, params={"jobId": UNKNOWN_JOB}, headers=headers), 401)


@section.tolerant("a wrong secret gets no token")
def refuses_wrong_secrets(run: Run) -> None:
    wrong = run.server.access.grant(client_secret="wrong")  # noqa: S106 - it is meant to be
    expect(run.server.send("POST", run.server.access.token_url, json=wrong), UNAUTHENTICATED)


@section.tolerant("another audience gets no token")
def refuses_other_audiences(run: Run) -> None:
    wrong = run.server.access.grant(audience="somewhere.example")
    expect(run.server.send("POST", run.server.access.token_url, json=wrong), REFUSED)


def _lifetime_of(token: str) -> int | None:
    """From a JWT's own claims."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return int(claims["exp"]) - int(claims["iat"])
    except (IndexError, KeyError, ValueError):
        return None
