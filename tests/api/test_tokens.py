import base64
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from gnathos.api.issuers import ExternalIssuers
from gnathos.jobs.credentials import TOKENS, create_client, find_tenant, revoke_client, signing_keys

POLL = "/24.06/pollJobResults?jobId=00000000-0000-0000-0000-000000000000"


@pytest.fixture
def client(api) -> tuple[str, str]:
    with api.database.transaction() as session:
        return create_client(session, "clinic")


def grant(client: tuple[str, str], **fields: str) -> dict[str, str]:
    return {"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1], **fields}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def poll(api, token: str) -> Any:
    return api.call("GET", POLL, headers={"Authorization": f"Bearer {token}"})


def refusal(api, token: str) -> tuple[int, str]:
    answer = poll(api, token)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer realm="gnathos", error="invalid_token"'
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("form", ["json", "json without type", "form", "basic", "auth0"])
def test_every_form_of_asking(api, client, form: str) -> None:
    ways: dict[str, dict[str, Any]] = {
        "json": {"json": grant(client)},
        "json without type": {"content": json.dumps(grant(client)).encode()},
        "form": {"data": grant(client)},
        "basic": {"data": {"grant_type": "client_credentials"}, "headers": basic(*client)},
        "auth0": {"json": grant(client, audience="virtualpatientengine.com")},
    }
    answer = api.call("POST", "/oauth/token", **ways[form])

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"], set(body)) == (
        "Bearer",
        86400,
        {"access_token", "token_type", "expires_in"},
    )
    assert poll(api, body["access_token"]).json()["code"] == "unknown_job"


def test_what_a_token_says(api, client) -> None:
    token = api.call("POST", "/oauth/token", json=grant(client)).json()["access_token"]
    keys = KeySet.import_key_set(api.call("GET", "/.well-known/jwks.json").json())
    found = api.call("GET", "/.well-known/openid-configuration").json()

    decoded = jwt.decode(token, keys, algorithms=["RS256"])

    assert decoded.header["alg"] == "RS256"
    assert decoded.claims["iss"] == found["issuer"] == "http://engine.test/"
    assert decoded.claims["aud"] == "virtualpatientengine.com"
    assert decoded.claims["exp"] - decoded.claims["iat"] == 24 * 3600
    assert (decoded.claims["region"], decoded.claims["azp"]) == ("eu", client[0])
    with api.database.transaction() as session:
        assert decoded.claims["tenant"] == str(find_tenant(session, "clinic"))
    assert api.call("GET", "/.well-known/oauth-authorization-server").json() == found
    assert "d" not in api.call("GET", "/.well-known/jwks.json").json()["keys"][0]


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "no\0body"}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_secret": None}, 400, "invalid_request"),
        ({"client_id": 7}, 400, "invalid_request"),
        ({"audience": "elsewhere.com"}, 400, "invalid_target"),
        ({"audience": ["x"]}, 400, "invalid_target"),
    ],
)
def test_refused_requests(api, client, fields: dict[str, Any], status: int, error: str) -> None:
    answer = api.call("POST", "/oauth/token", json={**grant(client), **fields})

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"].endswith(".")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("body", [b"", b"{", b'{"grant_type": NaN}', b"\xff\xfe", b"[]", b"{" * 100_000])
def test_refused_bodies(api, body: bytes) -> None:
    answer = api.call("POST", "/oauth/token", content=body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("header", ["Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode()])
def test_refused_basic_credentials(api, header: str) -> None:
    answer = api.call(
        "POST", "/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header}
    )

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"] == 'Basic realm="gnathos"'


def test_a_form_with_a_zero_in_it(api, client) -> None:
    answer = api.call("POST", "/oauth/token", data=grant(("no\0body", "x")))

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_large_body_is_refused(api) -> None:
    answer = api.call("POST", "/oauth/token", content=b"x" * 1_100_000)

    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "token"])
def test_no_token(api, header: str | None) -> None:
    answer = api.call("GET", POLL, headers={} if header is None else {"Authorization": header})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    assert answer.headers["www-authenticate"] == 'Bearer realm="gnathos"'


def own_key(api) -> RSAKey:
    with api.database.transaction() as session:
        key = signing_keys(session, TOKENS)[0]
    return RSAKey.import_key(key.private, {"kid": key.id})


def claims_of(api, client, **changed: Any) -> dict[str, Any]:
    with api.database.transaction() as session:
        tenant_id = str(find_tenant(session, "clinic"))
    claims = {"aud": "virtualpatientengine.com", "azp": client[0], "exp": int(time.time()) + 60}
    claims |= {"tenant": tenant_id, "region": "eu", "iss": "http://engine.test/", **changed}
    return {name: value for name, value in claims.items() if value is not None}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"exp": 1_000_000_000}, "token_expired"),
        ({"exp": None}, "token_invalid"),
        ({"exp": "soon"}, "token_invalid"),
        ({"nbf": 99_999_999_999}, "token_invalid"),
        ({"aud": "elsewhere.com"}, "token_invalid"),
        ({"aud": None}, "token_invalid"),
        ({"region": "us"}, "token_of_another_region"),
        ({"tenant": "not a uuid"}, "token_invalid"),
        ({"tenant": 5}, "token_invalid"),
        ({"tenant": str(uuid.uuid4())}, "token_invalid"),
        ({"azp": "somebody"}, "token_invalid"),
        ({"azp": None}, "token_invalid"),
    ],
)
def test_tokens_that_we_signed_but_do_not_accept(api, client, changed: dict[str, Any], code: str) -> None:
    key = own_key(api)
    good = jwt.encode({"alg": "RS256", "kid": key.kid}, claims_of(api, client), key)
    bad = jwt.encode({"alg": "RS256", "kid": key.kid}, claims_of(api, client, **changed), key)

    assert poll(api, good).status_code == 404
    assert refusal(api, bad) == (401, code)


def test_the_region_is_named(api, client) -> None:
    key = own_key(api)
    token = jwt.encode({"alg": "RS256", "kid": key.kid}, claims_of(api, client, region="us"), key)

    assert poll(api, token).json()["detail"] == "The access token is for the region 'us'; this is the region 'eu'."


def test_forged_tokens(api, client, token: str) -> None:
    key = own_key(api)
    forger = RSAKey.generate_key(2048, {"kid": key.kid})
    header, payload, signature = token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    forged = [
        jwt.encode({"alg": "RS256", "kid": key.kid}, claims_of(api, client), forger),
        f"{none}.{payload}.",
        f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
        f"{header}.{payload}",
        "a.b.c",
        "$.b.c",
        f"{base64.urlsafe_b64encode(b'[]').decode()}.{payload}.{signature}",
        "x" * 5000,
    ]
    for each in forged:
        assert refusal(api, each) == (401, "token_invalid")


def test_a_revoked_client_is_refused_with_its_tokens(api, client) -> None:
    token = api.call("POST", "/oauth/token", json=grant(client)).json()["access_token"]
    assert poll(api, token).status_code == 404
    with api.database.transaction() as session:
        tenant_id = find_tenant(session, "clinic")
        assert tenant_id is not None
        revoke_client(tenant_id, session, client[0])

    assert refusal(api, token) == (401, "token_invalid")
    assert api.call("POST", "/oauth/token", json=grant(client)).status_code == 401


class Issuer:
    """Another issuer of tokens, with its JWKS over HTTP."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "theirs"})]
        self.calls = 0
        issuer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.calls += 1
                body = json.dumps({"keys": [key.as_dict(private=False) for key in issuer.keys]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def setting(self) -> str:
        url = f"http://127.0.0.1:{self.server.server_port}/jwks"
        entry = {
            "issuer": "https://login.hospital.test/",
            "jwks_url": url,
            "audience": "gnathos",
            "tenant_claim": "org",
        }
        return json.dumps([entry])

    def token(self, key: RSAKey | None = None, **changed: Any) -> str:
        claims = {"iss": "https://login.hospital.test/", "aud": ["gnathos", "x"], "exp": int(time.time()) + 60}
        claims |= {"org": "hospital", "sub": "pacs", **changed}
        used = key or self.keys[0]
        return jwt.encode({"alg": "RS256", "kid": used.kid}, claims, used)


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    started = Issuer()
    yield started
    started.server.shutdown()
    started.server.server_close()


def test_tokens_of_another_issuer(start_api, settings, issuer: Issuer) -> None:
    api = start_api(replace(settings, external_issuers=issuer.setting))

    assert poll(api, issuer.token()).json()["code"] == "unknown_job"
    with api.database.transaction() as session:
        assert find_tenant(session, "hospital") is not None
    assert refusal(api, issuer.token(aud="elsewhere")) == (401, "token_invalid")
    assert refusal(api, issuer.token(org=None)) == (401, "token_invalid")
    assert refusal(api, issuer.token(org=["a"])) == (401, "token_invalid")
    assert refusal(api, issuer.token(exp=1_000_000_000)) == (401, "token_expired")
    assert refusal(api, issuer.token(region="us")) == (401, "token_of_another_region")
    assert refusal(api, issuer.token(iss="https://unknown.test/")) == (401, "token_invalid")
    assert refusal(api, issuer.token(own_key(api))) == (401, "token_invalid")
    assert issuer.calls == 1
    assert poll(api, api.token()).status_code == 404


def test_keys_of_another_issuer_are_fetched_anew(start_api, settings, issuer: Issuer, monkeypatch) -> None:
    monkeypatch.setattr("gnathos.api.issuers.KEYS_RETRY_S", 0.0)
    api = start_api(replace(settings, external_issuers=issuer.setting))
    assert poll(api, issuer.token()).status_code == 404

    issuer.keys = [RSAKey.generate_key(2048, {"kid": "new"})]

    assert poll(api, issuer.token()).status_code == 404
    assert issuer.calls == 2


def test_an_issuer_that_does_not_answer(start_api, settings, issuer: Issuer) -> None:
    setting = issuer.setting.replace("/jwks", "/jwks").replace(str(issuer.server.server_port), "9")
    api = start_api(replace(settings, external_issuers=setting))

    answer = poll(api, issuer.token())

    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")
    assert "cannot be fetched" in answer.json()["detail"]


@pytest.mark.parametrize("setting", ["{", "{}", '["x"]', '[{"issuer": "x"}]', '[{"wrong": 1}]'])
def test_a_wrong_setting_is_said_so(setting: str) -> None:
    if setting == "{}":
        assert not ExternalIssuers.from_setting(setting).knows("x")
        return
    with pytest.raises(ValueError, match="GNATHOS_EXTERNAL_ISSUERS must be a JSON list"):
        ExternalIssuers.from_setting(setting)
