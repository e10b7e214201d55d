import copy
import json
import uuid
from typing import Any

import pytest

from gnathos.api.versions import VERSIONS
from gnathos.jobs.tables import Job

BODY: dict[str, Any] = {
    "inputFiles": {"cbct": {"extension": ".dcm"}},
    "outputFiles": {"meshes": [{"extension": ".stl", "structures": ["mandible"]}]},
}


def changed(**changes: Any) -> dict[str, Any]:
    """The body with values at dotted paths changed; `...` deletes."""
    body = copy.deepcopy(BODY)
    for path, value in changes.items():
        *above, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        place: Any = body
        for part in above:
            place = place[part]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return body


@pytest.fixture
def submit(api, bearer):
    def call(body: Any, version: str = "24.06", route: str = "job", **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return api.call("POST", f"/{version}/{route}", content=content, headers={**bearer, **headers})

    return call


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("route", ["job", "generic-job"])
def test_every_version_answers_under_both_names(submit, version: str, route: str) -> None:
    answer = submit(BODY, version, route)

    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"jobId", "presignedUploadUrl"}
    assert uuid.UUID(body["jobId"]).version == 4
    urls = body["presignedUploadUrl"]["cbct"]
    assert set(urls) == {"presignedUploadUrl", "uploadUrl", "notifyFinishUploadUrl", "notifyUrl"}
    assert urls["presignedUploadUrl"] == urls["uploadUrl"]
    assert urls["notifyFinishUploadUrl"] == urls["notifyUrl"]
    assert urls["uploadUrl"].startswith(f"http://engine.test/{version}/uploads/")
    assert urls["notifyUrl"].startswith(f"http://engine.test/{version}/")


@pytest.mark.parametrize("path", ["/23.01/job", "/v3/job", "/99.99/anything", "/v0/pollJobResults"])
def test_unknown_versions_are_told_those_served(api, bearer, path: str) -> None:
    answer = api.call("POST" if path.endswith("job") else "GET", path, headers=bearer, content=b"{}")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_version")
    assert answer.json()["remedy"] == "Use one of the versions served: 26.11, 24.06, v2, v1."


@pytest.mark.parametrize(
    "extension", [".dcm", "dcm", ".DCM", "zip", ".nii", ".nii.gz", "NRRD", ".vti.gz", "mha", ".dcm.gz", " .zip "]
)
def test_extensions_of_every_spelling(submit, extension: str) -> None:
    assert submit(changed(inputFiles__cbct__extension=extension)).status_code == 200


@pytest.mark.parametrize("names", [["all_teeth", "Left-Nerve"], ["tooth11"], ["maxillary-complex"], ["skull", "skull"]])
def test_structures_of_every_spelling(submit, names: list[str]) -> None:
    assert submit(changed(outputFiles__meshes__0__structures=names)).status_code == 200


def test_empty_urls_are_none(submit) -> None:
    body = changed(
        inputFiles__cbct__downloadUrl="",
        outputFiles__meshes__0__uploadUrl="",
        finishWebhook=None,
        inputFiles__ios_upper=None,
    )
    assert submit(body).status_code == 200


@pytest.mark.parametrize("key", ["exclude", "excludeStructures", "excludedStructures"])
def test_what_is_cut_out_may_stand_under_any_of_three_keys(submit, key: str) -> None:
    assert submit(changed(**{f"outputFiles__meshes__0__{key}": ["all_nerves", "tooth36"]})).status_code == 200


def test_every_kind_of_output_and_input_is_taken(submit) -> None:
    outputs = {
        "meshes": [{"extension": each, "structures": ["mandible"]} for each in (".stl", "PLY", "obj", ".Drc", ".glb")],
        "segmentations": [
            {"extension": "NII.GZ", "structures": ["all_teeth"]},
            {"extension": ".dcm", "structures": ["skull"]},
        ],
        "previews": [{"extension": ".png"}],
        "report": [{"extension": "json", "structures": ["mandible"]}],
        "archive": [{"extension": ".zip"}],
    }
    inputs = {"ios_upper": {"extension": "PLY"}, "ios_lower": {"extension": ".stl.gz"}, "facial": {"extension": ".zip"}}

    assert submit({"inputFiles": inputs, "outputFiles": outputs}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code", "pointer", "said"),
    [
        ({"inputFiles": ...}, "request_invalid", "#/inputFiles", "`inputFiles` is missing."),
        ({"outputFiles": ...}, "request_invalid", "#/outputFiles", "`outputFiles` is missing."),
        ({"inputFiles": {}}, "request_invalid", "#/inputFiles", "There is no input file."),
        ({"inputFiles__cbct": 5}, "request_invalid", "#/inputFiles/cbct", "`cbct`: "),
        ({"inputFiles__cbct__extension": ...}, "request_invalid", "#/inputFiles/cbct/extension", "is missing"),
        ({"inputFiles__cbct__extension": 5}, "request_invalid", "#/inputFiles/cbct/extension", "valid string"),
        ({"inputFiles__cbct__extension": ".jpg"}, "unknown_extension", "#/inputFiles/cbct/extension", "'.jpg'"),
        ({"inputFiles__cbct__extension": ".nrd"}, "unknown_extension", "#/inputFiles/cbct/extension", "mean .nrrd?"),
        ({"inputFiles__cbct__extension": ""}, "unknown_extension", "#/inputFiles/cbct/extension", "not supported"),
        ({"inputFiles__cbct__extension": ".gz"}, "unknown_extension", "#/inputFiles/cbct/extension", "not supported"),
        ({"inputFiles__cbct__extention": "x"}, "request_invalid", "#/inputFiles/cbct/extention", "mean `extension`?"),
        ({"inputFiles__xray": {}}, "request_invalid", "#/inputFiles/xray", "not known here"),
        (
            {"inputFiles__cbct__downloadUrl": "https://169.254.169.254/s"},
            "url_refused",
            "#/inputFiles/cbct/downloadUrl",
            "not public",
        ),
        ({"inputFiles__facial": {"extension": ".nii"}}, "unknown_extension", "#/inputFiles/facial/extension", "'.nii'"),
        ({"finishWebhook": "https://10.0.0.1/hook"}, "url_refused", "#/finishWebhook", "not public"),
        ({"finishWebhook": "ftp://x.test/hook"}, "url_refused", "#/finishWebhook", "neither http nor https"),
        ({"outputFiles__meshes": []}, "request_invalid", "#/outputFiles/meshes", "`meshes`: "),
        ({"outputFiles__meshes": "x"}, "request_invalid", "#/outputFiles/meshes", "`meshes`: "),
        ({"outputFiles__previews": []}, "request_invalid", "#/outputFiles/previews", "`previews`: "),
        ({"outputFiles": {}}, "request_invalid", "#/outputFiles", "There is no output file."),
        (
            {"outputFiles__segmentations": [{"extension": ".stl", "structures": ["skull"]}]},
            "unknown_extension",
            "#/outputFiles/segmentations/0/extension",
            "'.stl'",
        ),
        (
            {"outputFiles__archive": [{"extension": ".zip", "structures": ["skull"]}]},
            "request_invalid",
            "#/outputFiles/archive/0/structures",
            "not known here",
        ),
        ({"outputFiles__meshes__0__structures": []}, "request_invalid", "#/outputFiles/meshes/0/structures", "least 1"),
        (
            {"outputFiles__meshes__0__structures": ["mandibel"]},
            "unknown_structure",
            "#/outputFiles/meshes/0/structures/0",
            "Did you mean mandible",
        ),
        (
            {"outputFiles__meshes__0__structures": ["skull", "tooth19"]},
            "unknown_structure",
            "#/outputFiles/meshes/0/structures/1",
            "Did you mean tooth",
        ),
        (
            {"outputFiles__meshes__0__extension": ".exe"},
            "unknown_extension",
            "#/outputFiles/meshes/0/extension",
            ".exe",
        ),
        (
            {"outputFiles__meshes__0__uploadUrl": "file:///etc/passwd"},
            "url_refused",
            "#/outputFiles/meshes/0/uploadUrl",
            "neither http nor https",
        ),
        (
            {"outputFiles__meshes__0__excludeStructures": ["tooth19"]},
            "unknown_structure",
            "#/outputFiles/meshes/0/excludeStructures/0",
            "Did you mean tooth",
        ),
        ({"options": []}, "request_invalid", "#/options", "`options`: "),
        (
            {"options": {"mandible": {"decimateMaxError": -1}}},
            "invalid_option",
            "#/options",
            "decimateMaxError must be",
        ),
        ({"options": {"soft_tissue": 1}}, "invalid_option", "#/options", "options.soft_tissue must be an object"),
        ({"externalJobId": ""}, "request_invalid", "#/externalJobId", "`externalJobId`: "),
        ({"optoins": {}}, "request_invalid", "#/optoins", "mean `options`?"),
        ({"a/b~c": 1}, "request_invalid", "#/a~1b~0c", "not known here"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    submit, changes: dict[str, Any], code: str, pointer: str, said: str
) -> None:
    answer = submit(changed(**changes))

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"], problem["title"]) == (code, 400, "Bad Request")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]
    assert said in problem["detail"]
    assert problem["remedy"]
    assert problem["requestId"] == answer.headers["x-request-id"]


def test_everything_that_is_wrong_is_listed(submit) -> None:
    meshes = [{"extension": ".exe", "structures": ["mandibel"]}, {"extension": ".stl", "structures": ["tooth19"]}]

    problem = submit(changed(outputFiles__meshes=meshes)).json()

    assert problem["code"] == "request_invalid"
    assert [each["pointer"] for each in problem["errors"]] == [
        "#/outputFiles/meshes/0/extension",
        "#/outputFiles/meshes/0/structures/0",
        "#/outputFiles/meshes/1/structures/0",
    ]


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"", "body_not_json", "line 1, column 1"),
        (b"{,}", "body_not_json", "line 1, column 2"),
        (b'{"inputFiles": {"cbct": {"extension": ".dcm"},}}', "body_not_json", "line 1"),
        (b'{"a": NaN}', "body_not_json", "NaN"),
        (b'{"a": 1e999}', "body_not_json", "too large"),
        (b'{"a": ' + b"1" * 5000 + b"}", "body_not_json", "too long"),
        (b"\xff\xfe\x00", "body_not_json", "UTF-8"),
        (b'{"a": "\\u0000"}', "body_not_json", "character zero"),
        (b'{"a": "\\ud800"}', "body_not_json", "UTF-8"),
        (b"[" * 200_000, "body_not_json", "deeply"),
        (b"[]", "request_invalid", "must be a JSON object"),
        (b'"text"', "request_invalid", "must be a JSON object"),
        (b"null", "request_invalid", "must be a JSON object"),
    ],
)
def test_bodies_that_are_no_job(submit, body: bytes, code: str, said: str) -> None:
    answer = submit(body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert said in answer.json()["detail"]


def test_a_body_with_a_byte_order_mark(submit) -> None:
    assert submit(b"\xef\xbb\xbf" + json.dumps(BODY).encode()).status_code == 200


def test_a_huge_body(submit) -> None:
    answer = submit(json.dumps(changed(options={"x": "y" * 1_100_000})).encode())

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_the_content_type_does_not_matter(submit, content_type: str) -> None:
    assert submit(BODY, **{"Content-Type": content_type}).status_code == 200


def test_options_and_names_are_kept(api, submit) -> None:
    options = {"soft-tissue": {"smoothingIterations": 0}, "unheard": ["of", {"x": 1.5}]}
    body = changed(options=options, externalJobId=f"case {uuid.uuid4()}", cloudPackage="test", endUserId="dentist 7")

    job_id = submit(body).json()["jobId"]

    with api.database.transaction() as session:
        job = session.get(Job, uuid.UUID(job_id))
        assert (job.options, job.external_job_id) == (options, body["externalJobId"])
        assert (job.cloud_package, job.end_user_id, job.request) == ("test", "dentist 7", body)


def test_an_external_id_is_taken_once(submit) -> None:
    body = changed(externalJobId=str(uuid.uuid4()))
    assert submit(body).status_code == 200

    answer = submit(body)

    assert (answer.status_code, answer.json()["code"]) == (409, "external_job_id_taken")


def test_a_repeated_request_gets_the_same_answer(api, submit) -> None:
    key = str(uuid.uuid4())
    first = submit(BODY, **{"Idempotency-Key": key})
    again = submit(json.dumps(BODY, indent=2).encode(), **{"Idempotency-Key": key})
    other = submit(changed(endUserId="x"), **{"Idempotency-Key": key})

    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = {"Authorization": f"Bearer {api.token('another clinic')}", "Idempotency-Key": key}
    assert api.call("POST", "/24.06/job", json=BODY, headers=elsewhere).json()["jobId"] != first.json()["jobId"]
    assert submit(BODY, **{"Idempotency-Key": "x" * 300}).json()["code"] == "request_invalid"
