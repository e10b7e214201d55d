import re

from tests.api.conftest import MANDIBLE

LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[0-9.e+-]+')


def test_numbers_for_prometheus(api, bearer) -> None:
    api.call("POST", "/26.11/job", json=MANDIBLE, headers=bearer)
    api.call("GET", "/26.11/pollJobResults?jobId=secret", headers=bearer)

    answer = api.call("GET", "/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert all(LINE.fullmatch(line) for line in lines if not line.startswith("# "))
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("# "))
    assert values['gnathos_jobs{state="waiting"}'] == "1"
    assert values['gnathos_jobs{state="failed"}'] == "0"
    polls = 'route="/{version}/pollJobResults"'
    assert values[f'gnathos_http_requests_total{{method="GET",{polls},status="404"}}'] == "1"
    assert values[f"gnathos_http_request_seconds_count{{{polls}}}"] == "1"
    assert values[f'gnathos_http_request_seconds_bucket{{{polls},le="+Inf"}}'] == "1"
    assert int(values["process_resident_memory_bytes"]) > 10_000_000
    assert {"gnathos_queue_oldest_seconds", "gnathos_stored_bytes", "gnathos_workers"} <= set(values)
    assert "secret" not in answer.text


def test_every_metric_is_explained_once(api) -> None:
    text = api.call("GET", "/metrics").text

    helps, kinds = re.findall(r"^# HELP (\S+) .+", text, re.M), re.findall(r"^# TYPE (\S+) (\w+)$", text, re.M)
    assert [name for name, _ in kinds] == helps
    assert len(set(helps)) == len(helps)
    assert {kind for _, kind in kinds} == {"counter", "gauge", "histogram"}
