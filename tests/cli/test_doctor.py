"""What is wrong with an installation is found, each thing by the check that is for it."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.test_commands import gnathos
from tests.engine import RunningEngine

from gnathos.cli import checks
from gnathos.cli.checks import Check, Verdict, check_all
from gnathos.errors import InvalidSetting
from gnathos.settings import Settings


def found(name: str, settings: Settings) -> Check:
    return next(each for each in check_all(settings) if each.name == name)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(checks, "WHEELS", ("json",))
    return Settings(data=tmp_path / "data", port=0)


def test_nothing_is_wrong_here(settings: Settings) -> None:
    assert [each for each in check_all(settings) if each.verdict is Verdict.PROBLEM] == []


def test_the_report_tells_versions_and_hides_secrets() -> None:
    ended = gnathos("doctor", "--json", GNATHOS_DATABASE_URL="postgresql://me:secret@127.0.0.1:9/db")
    report = json.loads(ended.stdout)

    assert report["versions"]["postgresql"].startswith("18.")
    assert report["settings"]["GNATHOS_DATABASE_URL"] == "set"
    assert "secret" not in ended.stdout
    assert ended.returncode == 1
    (problem,) = report["problems"]
    assert "does not answer" in problem
    assert next(each for each in report["checks"] if each["name"] == "wheels")["verdict"] == "ok"


def test_a_wheel_that_does_not_load(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "WHEELS", ("json", "no_such_wheel", "csv"))
    check = found("wheels", settings)

    assert check.verdict is Verdict.PROBLEM
    assert check.finding.startswith("no_such_wheel does not load")
    assert "make install" in check.remedy


def test_weights_that_are_not_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found("weights", settings).verdict is Verdict.OK
    monkeypatch.setattr(checks, "WEIGHTS", ("jaws", "wings"))
    check = found("weights", settings)

    assert check.verdict is Verdict.PROBLEM
    assert check.finding.startswith("wings does not load")


def test_a_file_in_place_of_the_data_folder(settings: Settings) -> None:
    settings.data.write_text("")

    for data in (settings.data, settings.data / "below"):
        check = found("data folder", replace(settings, data=data))
        assert check.verdict is Verdict.PROBLEM
        assert check.finding == f"{settings.data} is a file, not a folder"


@pytest.mark.parametrize("wrong", [{"port": 70_000}, {"port": -1}, {"token_hours": -24}])
def test_settings_out_of_range_are_refused_by_name(wrong: dict[str, int]) -> None:
    (name,) = wrong
    with pytest.raises(InvalidSetting, match=f"GNATHOS_{name.upper()} is {wrong[name]};"):
        Settings.from_environment({}, **wrong)


def test_secrets_that_others_can_read(settings: Settings) -> None:
    settings.data.mkdir(mode=0o755)
    (settings.data / "credentials.json").write_text("{}")
    (settings.data / "credentials.json").chmod(0o644)

    assert found("data folder", settings).verdict is Verdict.WARNING
    assert found("credentials", settings).remedy == f"chmod 600 {settings.data / 'credentials.json'}"


def test_too_little_space_and_memory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("LEAST_FREE_GB", "LEAST_TEMPORARY_GB", "LEAST_MEMORY_GB"):
        monkeypatch.setattr(checks, limit, 1e9)

    for name in ("disk", "temporary files", "memory"):
        assert found(name, settings).verdict is Verdict.PROBLEM
    monkeypatch.undo()
    assert found("memory", replace(settings, job_memory_mb=10**9)).verdict is Verdict.WARNING


def test_a_port_that_something_else_has(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(1)
        check = found("port", replace(settings, port=listener.getsockname()[1]))

    assert check.verdict is Verdict.PROBLEM
    assert "Address already in use" in check.finding


def test_an_engine_that_runs_is_no_problem(settings: Settings, engine: RunningEngine) -> None:
    port = int(engine.url.rpartition(":")[2])

    assert "is ready" in found("port", replace(settings, port=port)).finding
    assert "an engine runs on it" in found("data folder", replace(settings, data=engine.data)).finding


def test_a_database_is_asked(settings: Settings, database_url: str) -> None:
    assert found("database", replace(settings, database_url=database_url)).finding.startswith("PostgreSQL 18")
    nonsense = found("database", replace(settings, database_url="postgresql://127.0.0.1:9/x?connect_timeout=2"))
    assert nonsense.verdict is Verdict.PROBLEM


def test_clocks_and_rights_are_compared() -> None:
    assert checks._database_verdict(18, 0.1, True).verdict is Verdict.OK
    assert "NTP" in checks._database_verdict(18, 60.0, True).remedy
    assert "GRANT" in checks._database_verdict(18, 0.1, False).remedy
    assert "or later" in checks._database_verdict(12, 0.1, True).remedy


def test_a_store_is_written_to(settings: Settings, tmp_path: Path) -> None:
    assert found("store", replace(settings, store_url=f"file://{tmp_path}/objects")).verdict is Verdict.OK
    assert found("store", replace(settings, store_url="gopher://nowhere")).verdict is Verdict.PROBLEM


def test_an_older_python_is_told_which_it_needs(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LEAST_PYTHON", (9, 9))
    check = found("python", settings)

    assert check.verdict is Verdict.PROBLEM
    assert "3.11 or later" in check.remedy
