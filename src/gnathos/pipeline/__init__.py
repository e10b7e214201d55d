"""The stages of one job over a local folder; knows no HTTP, SQL or cloud.

`gnathos.pipeline.run.run` does the work; it is not imported here, because the API needs only the request's types
and must not load the network.
"""

from gnathos.pipeline.progress import Progress, Report
from gnathos.pipeline.request import InputFile, OutputFile, OutputResult, Request, Result

__all__ = ["InputFile", "OutputFile", "OutputResult", "Progress", "Report", "Request", "Result"]
