"""One click signs in on the engine's own machine, and nobody else gets in by it: real connections to `gnathos up`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.engine import RunningEngine

from gnathos.api.local_access import MOST_CODES, OneTimeCodes

ASK_AS_ANOTHER_USER = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode())
"""


def code_of(engine: RunningEngine, **headers: str) -> Any:
    return httpx2.get(f"{engine.url}/local/code", headers=headers).raise_for_status().json()["code"]


def sign_in(engine: RunningEngine, code: object, **headers: str) -> httpx2.Response:
    return httpx2.post(f"{engine.url}/local/token", json={"code": code}, headers={"Origin": engine.url, **headers})


def test_one_click_gives_a_token_of_the_first_client(engine: RunningEngine) -> None:
    answer = sign_in(engine, code_of(engine)).raise_for_status()

    assert answer.headers["cache-control"] == "no-store"
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert httpx2.get(f"{engine.url}/26.11/jobs", headers=bearer).status_code == 200


def test_a_code_works_once(engine: RunningEngine) -> None:
    code = code_of(engine)
    assert sign_in(engine, code).status_code == 200

    again = sign_in(engine, code)

    assert (again.status_code, again.json()["code"]) == (403, "local_code_invalid")
    assert sign_in(engine, None).json()["code"] == "local_code_invalid"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Host": "127.0.0.1.evil.example", "Origin": "http://127.0.0.1.evil.example"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_other_pages_and_proxies_are_kept_out(engine: RunningEngine, headers: dict[str, str]) -> None:
    refused = sign_in(engine, code_of(engine), **headers)

    assert (refused.status_code, refused.json()["code"]) == (403, "not_local")


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": "[::"}, {"X-Forwarded-For": "127.0.0.1"}])
def test_they_are_not_even_told_a_code(engine: RunningEngine, headers: dict[str, str]) -> None:
    assert code_of(engine, **headers) is None


def test_no_page_of_another_origin_may_read_the_code(engine: RunningEngine) -> None:
    answer = httpx2.get(f"{engine.url}/local/code", headers={"Origin": "http://evil.example"})

    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_of_the_machine_is_kept_out(engine: RunningEngine) -> None:
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable  # ours may be out of reach
    command = [python, "-c", ASK_AS_ANOTHER_USER]
    asked = subprocess.run(
        [*command, f"{engine.url}/local/code"], user="nobody", cwd="/", capture_output=True, text=True, check=True
    )

    assert '"code":null' in asked.stdout


def test_codes_expire_and_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("gnathos.api.local_access.time.monotonic", lambda: now[0])
    codes = OneTimeCodes()
    first = codes.issue()
    for _ in range(MOST_CODES):
        last = codes.issue()
    late = codes.issue()
    now[0] += 61

    assert not codes.redeem(late)
    now[0] -= 61
    assert codes.redeem(last)
    assert not codes.redeem(first)
