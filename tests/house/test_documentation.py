"""What the documentation says is what the code does."""

import re
from dataclasses import fields
from pathlib import Path

from gnathos.anatomy import INPUT_EXTENSIONS, OUTPUT_EXTENSIONS
from gnathos.cli.exits import Exit
from gnathos.imaging.limits import Limits
from gnathos.settings import Settings, variable_name

ROOT = Path(__file__).parents[2]


def test_the_table_of_settings_is_the_settings() -> None:
    rows = re.findall(r"^\| `(GNATHOS_\w+)` \| (.*?) \| (.*?) \|$", (ROOT / "docs" / "settings.md").read_text(), re.M)

    expected = [
        (variable_name(each.name), f"`{each.default}`" if each.default != "" else "", each.metadata["description"])
        for each in fields(Settings)
    ]
    assert rows == expected


def test_the_readme_lists_every_exit_code() -> None:
    listed = re.findall(r"^\| (\d+) \| ", (ROOT / "README.md").read_text(), re.M)

    assert [int(code) for code in listed] == [int(code) for code in Exit]


def test_no_lock_file_names_a_place_of_somebodys_own() -> None:
    for path in ROOT.glob("requirements*.lock"):
        assert not re.findall(r"(?:https?|file)://|^-|/home/|/work", path.read_text(), re.M), path.name


def test_every_link_between_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!http|#|mailto)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_table_of_limits_is_that_of_the_code() -> None:
    told = re.findall(r"^\| [^|]+ \| ([\d,]+)(?: MB)? \| ", (ROOT / "docs" / "inputs.md").read_text(), re.M)
    limits, settings = Limits(), Settings()

    assert [int(number.replace(",", "")) for number in told] == [
        settings.max_upload_mb,
        settings.max_unpacked_mb,
        limits.max_voxels,
        limits.max_files,
        limits.max_triangles,
        limits.max_unpacking_ratio,
    ]
    assert limits.always_unpacked_bytes == 64_000_000


def test_the_tables_of_outputs_and_inputs_are_those_of_the_code() -> None:
    outputs = re.findall(r"^\| `(\w+)` \| (`\..*?) \| ", (ROOT / "docs" / "outputs.md").read_text(), re.M)
    inputs = re.findall(r"^\| `(\w+)` \| (`\..*?) \|$", (ROOT / "docs" / "inputs.md").read_text(), re.M)

    assert dict(outputs) == {kind: _listed(extensions) for kind, extensions in OUTPUT_EXTENSIONS.items()}
    assert dict(inputs) == {key: _listed(extensions) for key, extensions in INPUT_EXTENSIONS.items()}


def _listed(extensions: tuple[str, ...]) -> str:
    return ", ".join(f"`{extension}`" for extension in extensions)
