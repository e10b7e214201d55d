"""Checks the files of this folder with tools of their own kind; `make deploy-check` runs it in its own environment.

hadolint looks at the Dockerfile, Helm's own library lints and renders the chart, what it renders is compared with the
schemas of Kubernetes, and systemd looks at the units where there is systemd. Nothing is built, no cluster is asked.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import helm_python
import kubernetes_validate
import yaml

FOLDER = Path(__file__).parent
CHART = FOLDER / "helm" / "gnathos"
KUBERNETES = ("1.29", "1.33")
INFORMATION = 1
WITH_ALL = {
    "publicUrl": "https://engine.example",
    "settings": {"GNATHOS_RESULT_HOURS": "48"},
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccount": {"annotations": {"cloud/role": "engine"}},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "tls", "annotations": {"size": "5g"}},
}


def main() -> None:
    """Print what is wrong; end with 1 if anything is."""
    found = [*dockerfile(), *chart(), *units(), *compose()]
    for each in found:
        print(each)
    print(f"{len(found)} problems")
    sys.exit(bool(found))


def dockerfile() -> Iterator[str]:
    """What hadolint says."""
    hadolint = Path(sys.executable).with_name("hadolint")
    ended = subprocess.run([hadolint, FOLDER / "docker" / "Dockerfile"], capture_output=True, text=True, check=False)
    yield from ended.stdout.splitlines()


def chart() -> Iterator[str]:
    """What Helm says of the chart, and Kubernetes' schemas of what it renders."""
    for message in helm_python.lint(CHART, strict=True)["messages"]:
        if message["severity"] > INFORMATION:
            yield f"{message['path']}: {message['error']}"
    for values in ({}, WITH_ALL):
        manifests = helm_python.Chart.load(CHART).render(values, name="gnathos")
        kinds = []
        for path, text in manifests.items():
            for document in yaml.safe_load_all(text) if path.endswith(".yaml") else ():
                kinds += [document["kind"]] if document else []
                yield from wrong_with(path, document) if document else ()
        print(f"rendered: {', '.join(sorted(kinds))}")


def wrong_with(path: str, document: object) -> Iterator[str]:
    """Where a manifest departs from the schemas."""
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{path} for Kubernetes {version}: {error.message}"


def units() -> Iterator[str]:
    """What systemd says of the units, told of a program and a user that are here."""
    if shutil.which("systemd-analyze") is None:
        print("no systemd here: the units were not checked")
        return
    scratch = Path(sys.prefix) / "units"
    scratch.mkdir(exist_ok=True)
    for unit in sorted((FOLDER / "systemd").glob("*.service")):
        text = unit.read_text().replace("/opt/gnathos/bin/gnathos", sys.executable)
        copy = scratch / unit.name
        copy.write_text(text.replace("User=gnathos", "User=root").replace("Group=gnathos", "Group=root"))
        ended = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
        yield from (line for line in ended.stderr.splitlines() if unit.name in line)


def compose() -> Iterator[str]:
    """Whether the compose file is YAML whose parts know each other."""
    content = yaml.safe_load((FOLDER / "docker" / "compose.yaml").read_text())
    for name, service in content["services"].items():
        for needed in service.get("depends_on", {}):
            if needed not in content["services"]:
                yield f"compose.yaml: {name} needs {needed}, which is not there"
        for volume in service.get("volumes", ()):
            if volume.partition(":")[0] not in content["volumes"]:
                yield f"compose.yaml: {name} has the volume {volume}, which is not there"


if __name__ == "__main__":
    main()
