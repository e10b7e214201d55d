"""What the files of deploy/ name is there; their own tools look at them in `make deploy-check`."""

import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from gnathos import __version__
from gnathos.cli.commands import app
from gnathos.settings import Settings, variable_name

DEPLOY = Path(__file__).parents[2] / "deploy"
COMMANDS = {command.callback.__name__ for command in app.registered_commands if command.callback}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def text_of(pattern: str) -> str:
    return "\n".join(path.read_text() for path in sorted(DEPLOY.rglob(pattern)) if path.is_file())


def test_every_command_is_one() -> None:
    units = re.findall(r"ExecStart=/opt/gnathos/bin/gnathos (\w+)", text_of("*.service"))
    image = re.findall(r'^CMD \["(\w+)"\]', text_of("Dockerfile"), re.M)
    pods = re.findall(r"(?:args|command): \[(\w+)\]", text_of("*.yaml"))

    assert (units, image) == (["serve", "worker", "up"], ["up"])
    assert sorted(pods) == ["serve", "serve", "worker", "worker"]
    assert {*units, *image, *pods} <= COMMANDS


def test_every_setting_is_one() -> None:
    named = set(re.findall(r"GNATHOS_[A-Z_]+", text_of("*")))

    assert len(named) >= 6
    assert named <= {variable_name(each.name) for each in fields(Settings)}


def test_the_chart_is_of_this_version() -> None:
    chart = (DEPLOY / "helm" / "gnathos" / "Chart.yaml").read_text()

    assert re.findall(r"^(?:version|appVersion): (.*)$", chart, re.M) == [__version__, __version__]


def test_the_image_is_made_of_what_is_there_and_runs_as_nobody_else() -> None:
    dockerfile = (DEPLOY / "docker" / "Dockerfile").read_text()
    copied = {name for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.M) for name in line.split()}
    let_in = set(re.findall(r"^!(\S+)$", (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text(), re.M))

    assert copied == let_in
    assert all((DEPLOY.parent / name).exists() for name in copied)
    assert re.findall(r"^USER (\d+)$", dockerfile, re.M) == ["10001"]
    assert "runAsUser: 10001" in text_of("_helpers.tpl")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        here = unit.read_text().replace("/opt/gnathos/bin/gnathos", sys.executable)
        (tmp_path / unit.name).write_text(re.sub(r"^(User|Group)=gnathos$", r"\1=root", here, flags=re.M))
    copies = [tmp_path / unit.name for unit in UNITS]
    told = subprocess.run(["systemd-analyze", "verify", *copies], capture_output=True, text=True, check=False).stderr

    assert [line for line in told.splitlines() if str(tmp_path) in line] == []
