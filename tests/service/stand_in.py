"""In place of the pipeline: `python stand_in.py FOLDER`. Its options say how long it takes and how it ends."""

import json
import os
import signal
import sys
import time
from pathlib import Path

STAGES = ("read", "check", "segment", "mesh", "write")


def main() -> None:
    folder = Path(sys.argv[1])
    request = json.loads((folder / "request.json").read_text())
    options = request["options"]
    (folder / "outputs").mkdir()
    for number, stage in enumerate(STAGES):
        report = {"stage": stage, "progress": number / len(STAGES), "seconds": {"read": 0.1}}
        say(json.dumps(report))
        time.sleep(options.get("secondsPerStage", 0))
        while options.get("holdIn") == stage and Path(options["holdWhile"]).exists():
            time.sleep(0.05)
        if options.get("crashIn") == stage:
            crash(options["crash"])
    (folder / "result.json").write_text(json.dumps(result(folder, request)))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def crash(how: str) -> None:
    if how == "signal":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "memory":
        bytearray(10**12)
    elif how == "hang":
        time.sleep(3600)
    elif how == "no result":
        sys.exit(0)
    elif how == "flood":
        say("x" * 3_000_000)
        sys.exit(3)


def result(folder: Path, request: dict) -> dict:
    if request["options"].get("unreadable"):
        error = {"code": "scan_unreadable", "detail": "The scan cannot be read.", "remedy": "Send another."}
        return {**BASE, "success": False, "error": error}
    outputs = []
    for each in request["outputs"]:
        outputs.append(make(folder, request, each))
        say(json.dumps({"stage": "write", "progress": 0.9, "seconds": {}, "made": outputs[-1]}))
        time.sleep(request["options"].get("secondsPerOutput", 0))
    known = folder / "findings-known.gz"
    if request["options"].get("remember"):
        (folder / "findings-found.gz").write_text(request["options"]["remember"])
    receipt = {"known": known.read_text() if known.exists() else None, **BASE["receipt"]}
    return {**BASE, "success": True, "outputs": outputs, "receipt": receipt}


def make(folder: Path, request: dict, output: dict) -> dict:
    made = {"kind": output["kind"], "position": output["position"], "extension": output["extension"]}
    made |= {"structures": output["structures"], "parts": [], "measures": {"triangles": 1}, "sha256": ""}
    if output["structures"] == ["soft_tissue"]:
        reason = {"code": "not_in_field_of_view", "detail": "It is not in the scan."}
        return made | {"status": "Missing", "path": None, "size_bytes": 0, "confidence": 0.9, "reason": reason}
    given = (folder / request["inputs"][0]["path"]).read_bytes()
    path = f"outputs/{output['position']}{output['extension']}"
    (folder / path).write_bytes(b"solid " + given)
    return made | {"status": "Available", "path": path, "size_bytes": 0, "confidence": 0.8, "reason": None}


BASE = {
    "outputs": [],
    "error": None,
    "warnings": [{"code": "stand_in", "detail": "Nothing was computed."}],
    "coordinate_system": {"frame": "LPS", "unit": "mm"},
    "receipt": {"environment": sorted(os.environ)},
}

if __name__ == "__main__":
    main()
