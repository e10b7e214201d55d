"""A bar that never stands still, and never lies about the end."""

import io
import itertools
import time

import pytest
from rich.console import Console

from gnathos.cli import progress
from gnathos.cli.progress import StageProgress, creeping


def test_within_a_stage_the_bar_goes_on_and_never_gets_to_its_end() -> None:
    places = [creeping("segment", 0.3, since_s) for since_s in (0, 1, 5, 30, 300, 3000)]

    assert places[0] == 0.3
    assert all(later > earlier for earlier, later in itertools.pairwise(places[:5]))
    assert places[-1] < 0.7


def test_what_is_counted_is_not_guessed() -> None:
    assert creeping("upload", 0.4, 100) == 0.4
    assert creeping("queue", 0.0, 100) is None


def test_on_a_terminal_it_moves_between_two_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(progress, "Console", lambda **_: screen)
    with StageProgress() as bar:
        bar.show("segment", 0.3)
        time.sleep(2.5)
        drawn = screen.file.getvalue()

    assert "30%" in drawn
    assert "32%" in drawn


def test_elsewhere_a_line_says_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.2)
    with StageProgress() as bar:
        bar.show("queue", 0.0)
        bar.show("segment", 0.3)
        time.sleep(0.7)

    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("waiting for a worker")
    assert lines[1].endswith("segmenting")
    assert len([line for line in lines if line.endswith("segmenting, 30% done")]) >= 2
