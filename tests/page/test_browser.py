"""The page in a real browser, over a real engine: from a folder of slices to a picture."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import pytest
from tests.engine import RunningEngine
from tests.makers import surfaces
from tests.makers.scans import series

from gnathos.phantom import PhantomParameters, make_phantom

HERE = Path(__file__).parent
NODE = HERE / "node"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SPACING_MM = 1.7
"""Too coarse for single teeth: what fails is shown, too."""
SHAPE = (77, 95, 95)
ACROSS_MM = SHAPE[1] * SPACING_MM
"""Of the scan's axial slices, which are as high as the view."""
PART_BYTES = 32 << 20
"""Of `viewer/src/scan/upload.ts`."""

Play = Callable[..., dict[str, Any]]
"""Plays a scenario of `node/scenarios.mjs`; what it saw."""


def _lacking() -> str:
    if not shutil.which("node"):
        return "there is no node"
    if not (NODE / "node_modules" / "playwright-core").exists():
        return "`make test` has not installed tests/page/node"
    return "" if CHROMIUM else "there is no Chromium (Debian: apt-get install chromium)"


pytestmark = [pytest.mark.skipif(bool(_lacking()), reason=_lacking()), pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def engine_of_page(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An engine without any job."""
    engine = RunningEngine(tmp_path_factory.mktemp("page") / "data")
    engine.start()
    yield engine
    assert engine.stop() == 0


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom as a folder of slices."""
    folder = tmp_path_factory.mktemp("slices") / "case"
    folder.mkdir()
    phantom = make_phantom(PhantomParameters(spacing_mm=SPACING_MM, shape=SHAPE))
    return series(folder, phantom.volume)


@pytest.fixture(scope="module")
def play(
    engine_of_page: RunningEngine, slices: Path, small_scan: Path, tmp_path_factory: pytest.TempPathFactory
) -> Play:
    large = tmp_path_factory.mktemp("large") / "slice.dcm"
    large.write_bytes(bytes([7]) * (PART_BYTES + 4000))
    pictures = os.environ.get("GNATHOS_PAGE_PICTURES") or str(tmp_path_factory.mktemp("pictures"))

    def run(name: str, **more: object) -> dict[str, Any]:
        given = {
            "url": engine_of_page.url,
            "clientId": engine_of_page.credentials["client_id"],
            "clientSecret": engine_of_page.credentials["client_secret"],
            "chromium": CHROMIUM,
            "slices": str(slices),
            "bytes": sum(path.stat().st_size for path in slices.iterdir()),
            "scan": str(small_scan),
            "large": str(large),
            "structures": ["Mandible", "Left maxillary sinus"],
            "pictures": pictures,
            **more,
        }
        command = ["node", "scenarios.mjs", name]
        ended = subprocess.run(command, cwd=NODE, input=json.dumps(given), capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}\npictures in {pictures}"
        seen: dict[str, Any] = json.loads(ended.stdout)
        return seen

    return run


@pytest.fixture(scope="module")
def first_job(play: Play) -> dict[str, Any]:
    """What was seen from a folder of slices to a shared link."""
    return play("dropToPicture")


def test_the_page_complains_of_nothing(first_job: dict[str, Any]) -> None:
    """No error or warning on the console, no breach of its security policy."""
    assert first_job["complaints"] == []


def test_every_step_of_the_job_is_shown_in_order(first_job: dict[str, Any]) -> None:
    steps = first_job["steps"]

    assert steps[0] == "Upload"
    assert {"Segment"} <= set(steps)
    order = ["Upload", "Queue", "Read", "Check", "Segment", "Mesh", "Write"]
    assert steps == sorted(steps, key=order.index)


def test_a_folder_that_is_dropped_is_sent_as_one_zip(first_job: dict[str, Any]) -> None:
    assert f"{SHAPE[0]} files" in first_job["dropped"]


def test_the_result_says_what_was_found_and_what_not(first_job: dict[str, Any]) -> None:
    rows = {row.partition(" ")[0]: row for row in first_job["rows"]}

    assert rows["Mandible"].endswith("%")
    assert rows["Left"].startswith("Left maxillary sinus")
    assert "too large to tell single teeth apart" in rows["Tooth"]


def test_what_was_found_is_drawn_over_the_slices_and_in_space(first_job: dict[str, Any]) -> None:
    shown, hidden, by_status = (first_job[name] for name in ("colours", "coloursHidden", "coloursByStatus"))

    assert shown["slice"]["warm"] > 300
    assert shown["model"]["warm"] > 1000
    assert hidden["slice"]["warm"] < shown["slice"]["warm"] / 10
    assert hidden["model"]["warm"] < shown["model"]["warm"] / 10
    assert by_status["model"]["green"] > 1000 > shown["model"]["green"]


def test_pictures_are_shown(first_job: dict[str, Any]) -> None:
    assert sorted(first_job["pictures"]) == ["Panoramic picture", "Picture"]


def test_distances_are_those_of_the_scan(first_job: dict[str, Any]) -> None:
    assert f"{30 * SPACING_MM:.1f} mm" in first_job["distance"]
    view = first_job["view"]
    clicked_mm = float(first_job["clicked"].split()[-3])
    assert clicked_mm == pytest.approx(0.2 * view["width"] * ACROSS_MM / view["height"], abs=1)
    assert first_job["lines"] >= 1


def test_teeth_have_other_names_in_other_notations(first_job: dict[str, Any]) -> None:
    assert first_job["universal"] == "tooth36"


def test_every_tooth_has_its_number_in_every_notation(play: Play) -> None:
    """Universal: 1 to 32 and A to T, from the patient's upper right round to the lower right."""
    seen = play("notations")

    permanent = [*range(18, 10, -1), *range(21, 29), *range(38, 30, -1), *range(41, 49)]
    deciduous = [*range(55, 50, -1), *range(61, 66), *range(75, 70, -1), *range(81, 86)]
    universal = {f"tooth{fdi}": str(number) for number, fdi in enumerate(permanent, start=1)}
    universal |= {f"tooth{fdi}": letter for fdi, letter in zip(deciduous, ascii_uppercase, strict=False)}
    assert seen["Universal"] == universal
    assert seen["FDI"] == {f"tooth{fdi}": str(fdi) for fdi in (*permanent, *deciduous)}
    palmer = {fdi: str(fdi % 10) for fdi in permanent} | {fdi: "ABCDE"[fdi % 10 - 1] for fdi in deciduous}
    assert seen["Palmer"] == {f"tooth{fdi}": name for fdi, name in palmer.items()}
    assert seen["complaints"] == []


def test_all_files_come_at_once(first_job: dict[str, Any]) -> None:
    assert first_job["archive"]["name"].endswith(".zip")
    assert first_job["archive"]["head"] == "PK"


def test_a_shared_link_shows_the_result_and_lets_nothing_be_done(first_job: dict[str, Any]) -> None:
    assert first_job["shared"] == {"heading": "Shared result", "buttons": 0, "session": 0}
    assert "not one that this engine made" in first_job["tampered"]


def test_a_scan_is_used_again_with_other_structures(play: Play, first_job: dict[str, Any]) -> None:
    seen = play("runAgain", jobId=first_job["jobId"])

    assert seen["chosen"] is True
    assert seen["rows"][0] == "Mandible"
    assert "Left maxillary sinus" not in seen["rows"]
    assert seen["reference"] == "case 12"
    assert seen["complaints"] == []


def test_errors_are_said_with_a_remedy(play: Play) -> None:
    seen = play("errors")

    assert "secret is wrong" in seen["signIn"]
    assert "letter.pdf" in seen["wrongFile"]
    assert ".nii" in seen["wrongFile"]
    assert "interrupted" in seen["interrupted"]
    assert "what has come is kept" in seen["interrupted"]
    assert len(seen["badScan"].strip().splitlines()) >= 2
    assert seen["parts"] == [["HEAD", -1], ["PATCH", 0], ["HEAD", -1], ["PATCH", PART_BYTES]]
    assert "no such job" in seen["unknownJob"].lower()
    assert seen["complaints"] == []
    assert not any(seen["faults"].values()), seen["faults"]


def test_surfaces_without_a_scan_are_drawn_where_their_format_can_be(
    play: Play, engine_of_page: RunningEngine, tmp_path: Path
) -> None:
    scan = tmp_path / "jaw.ply"
    scan.write_bytes(surfaces.ply())
    client = engine_of_page.client()
    wanted = [
        {"extension": f".{kind}", "structures": [f"ios_{jaw}"]} for jaw, kind in (("upper", "glb"), ("lower", "drc"))
    ]
    job = client.submit({key: {"extension": ".ply"} for key in ("ios_upper", "ios_lower")}, {"meshes": wanted})
    for upload in job.uploads.values():
        client.upload(upload.url, scan)
        client.notify(upload.notify_url)
    client.wait(job.id, timeout_s=120)

    seen = play("surfacesAlone", jobId=job.id)

    assert len(seen["rows"]) == 2
    assert seen["lit"] > 1000
    assert any("Draco cannot be drawn" in note for note in seen["notes"])
    assert any("volumes" in note for note in seen["notes"])
    assert not any(seen["faults"].values()), seen["faults"]
    assert seen["complaints"] == []


def test_everything_can_be_done_by_keyboard(play: Play) -> None:
    seen = play("keyboard")

    assert seen["order"] == [
        *("Skip to the content", "Gnathos", "API", "Continue on this computer", "Client id", "Client secret", "Sign in")
    ]
    assert seen["afterMove"] == "main"
    assert "LR6" in seen["tooth"]
    assert seen["leavesChart"] is True
    assert seen["complaints"] == []


def test_every_screen_can_be_read_and_touched(play: Play, first_job: dict[str, Any]) -> None:
    """Contrast, names, width, targets, layout shift: at 1280 and 390 pixels, light and dark."""
    seen = play("smallAndDark", jobId=first_job["jobId"])

    faults = {**first_job["faults"], **seen["faults"]}
    assert [f"{screen}: {fault}" for screen, found in faults.items() for fault in found] == []
    assert seen["complaints"] == []
