"""The checks, in the order of the documentation."""

from gnathos.conformance.check import Check
from gnathos.conformance.checks import (
    authentication,
    beyond,
    contradictions,
    delivery,
    input_files,
    job_body,
    options,
    output_files,
    polling,
    quick_start,
    results,
    structures,
    submission,
    uploads,
    versions,
)

SECTIONS = (
    quick_start.section,
    versions.section,
    authentication.section,
    job_body.section,
    input_files.section,
    submission.section,
    uploads.section,
    output_files.section,
    structures.section,
    options.section,
    polling.section,
    results.section,
    delivery.section,
    contradictions.section,
    beyond.section,
)

CHECKS: list[Check] = [check for section in SECTIONS for check in section]
