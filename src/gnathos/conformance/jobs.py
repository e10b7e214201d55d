"""The jobs that are begun at the start, for the server to work on while the other checks are made."""

from collections.abc import Callable
from functools import partial
from typing import Any

from gnathos.conformance import samples
from gnathos.conformance.run import Plan, Run
from gnathos.conformance.samples import Sample
from gnathos.conformance.server import Body

MANDIBLE = {"extension": ".stl", "structures": ["mandible"]}

SCAN_FORMATS = (".dcm", ".zip", ".nii", ".nrrd", ".vti")
"""Of the documentation; each also with `.gz`."""
MESH_FORMATS = (".stl", ".ply", ".obj", ".drc")

QUICK_START = "the quick start's job"
ANATOMY_MISSING = "a scan without teeth and canals"
UNREADABLE = "bytes that are no scan"
BY_URL = "files by URLs of the client"
MIXED = "one input by URL, one uploaded"
FORMATS = "meshes in every format"
FINE = "a mesh that is not decimated"
OLD_OPTIONS = "options of older versions"
BEYOND = "outputs beyond the contract"

DOWNLOAD_PATH, UPLOAD_PATH, SURFACE_PATH, WEBHOOK_PATH = "/scan", "/mandible.stl", "/surface.stl", "/webhook"


def body(extension: str = ".dcm", meshes: list[dict[str, Any]] | None = None, **more: Any) -> Body:
    """A job on a CBCT; the quick start's unless told otherwise."""
    return {
        "inputFiles": {"cbct": {"extension": extension}},
        "outputFiles": {"meshes": meshes or [dict(MANDIBLE)]},
        **more,
    }


def _quick_start(run: Run) -> Plan:
    return Plan(body(run.scan.extension), {"cbct": run.scan})


def _format(extension: str, _run: Run) -> Plan:
    return Plan(body(extension), {"cbct": samples.volume(extension)})


def _anatomy_missing(_run: Run) -> Plan:
    wanted = ("mandible", "skull", "left_nerve", "right_nerve", "tooth11", "tooth18", "tooth38", "tooth46")
    meshes = [{"extension": ".stl", "structures": [name]} for name in wanted]
    return Plan(body(".nii.gz", meshes), {"cbct": samples.volume(".nii.gz")})


def _unreadable(_run: Run) -> Plan:
    return Plan(body(), {"cbct": Sample(".dcm", b"This is not a scan. " * 500)})


def _by_url(run: Run) -> Plan:
    ours = run.receiver
    ours.files[DOWNLOAD_PATH] = run.scan.content
    given = body(run.scan.extension, [{**MANDIBLE, "uploadUrl": ours.url + UPLOAD_PATH}])
    given["inputFiles"]["cbct"]["downloadUrl"] = ours.url + DOWNLOAD_PATH
    return Plan({**given, "finishWebhook": ours.url + WEBHOOK_PATH})


def _mixed(run: Run) -> Plan:
    ours = run.receiver
    ours.files[SURFACE_PATH] = samples.surface(".stl").content
    given = body()
    given["inputFiles"]["ios_lower"] = {"extension": ".stl", "downloadUrl": ours.url + SURFACE_PATH}
    return Plan(given, {"cbct": samples.volume(".dcm")})


def _formats(run: Run) -> Plan:
    """Those that are refused are left out: that they are is found by another check."""
    taken = [
        each for each in MESH_FORMATS if run.server.post_job(body(meshes=[{**MANDIBLE, "extension": each}])).is_success
    ]
    merged = {"extension": ".stl", "structures": ["mandible", "skull", "tooth11"]}
    meshes = [*({**MANDIBLE, "extension": each} for each in taken), merged]
    return Plan(body(run.scan.extension, meshes), {"cbct": run.scan})


def _fine(run: Run) -> Plan:
    options = {"mandible": {"smoothingIterations": 0, "decimateMaxError": 0, "makeManifold": True}}
    return Plan(body(run.scan.extension, options=options), {"cbct": run.scan})


def _old_options(_run: Run) -> Plan:
    options = {"mandible": {"smoothingFactor": 0.5, "decimationFactor": 0.5}}
    return Plan(body(".nii", options=options), {"cbct": samples.volume(".nii")})


def _beyond(run: Run) -> Plan:
    given = body(run.scan.extension)
    given["outputFiles"] |= {
        "segmentations": [
            {"extension": ".nii.gz", "structures": ["mandible"]},
            {"extension": ".nrrd", "structures": ["mandible"]},
            {"extension": ".dcm", "structures": ["mandible"]},
        ],
        "previews": [{"extension": ".png"}],
        "panoramic": [{"extension": ".png"}, {"extension": ".dcm"}],
        "volumes": [{"extension": ".nii.gz"}],
        "report": [{"extension": ".json"}],
        "archive": [{"extension": ".zip"}],
    }
    return Plan(given, {"cbct": run.scan})


EVERY_SCAN_FORMAT = (*SCAN_FORMATS, *(f"{extension}.gz" for extension in SCAN_FORMATS))

PLANS: dict[str, Callable[[Run], Plan]] = {
    QUICK_START: _quick_start,
    BY_URL: _by_url,
    **{extension: partial(_format, extension) for extension in EVERY_SCAN_FORMAT},
    ANATOMY_MISSING: _anatomy_missing,
    UNREADABLE: _unreadable,
    FORMATS: _formats,
    FINE: _fine,
    OLD_OPTIONS: _old_options,
    MIXED: _mixed,
    BEYOND: _beyond,
}
"""By the name that checks ask for."""
