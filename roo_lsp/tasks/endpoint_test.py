"""The endpoint test of interface section 9, told as it goes on."""

from collections.abc import Awaitable, Callable

from roo_lsp.agent.errors import RooError
from roo_lsp.endpoints import Connection
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import RequestTarget
from roo_lsp.providers.report import Check, Report, without_endpoint
from roo_lsp.tasks.stream import Audience

NAME = "provider-test"
"""Stands for a task in the progress of the test."""


async def examine(
    connection: Connection, find: Callable[[], Awaitable[Endpoint]], audience: Audience
) -> Report:
    """Ask the endpoint that `find` finds; each finding is a line for the audience."""
    report = Report([])

    def found(check: Check) -> None:
        report.checks.append(check)
        audience.line(NAME, f"{check.name}: {check.status}. {check.sentence}")

    audience.begin(NAME, "Testing the endpoint")
    try:
        endpoint = await find()
        report.endpoint, report.model = RequestTarget(endpoint.base_url).shown, endpoint.model
        report.note = endpoint.note
        _, report.learnt, report.apis = await connection.examine(endpoint, found)
    except RooError as error:
        for check in without_endpoint(error):
            found(check)
    finally:
        audience.end(NAME, "A task can run" if report.ok else "A task cannot run yet")
    return report


def report_text(report: Report) -> str:
    """What was found, as a message."""
    lines = [
        f"{check.name}: {check.sentence} {check.hint}".strip()
        for check in report.checks
        if check.status == "failed" or check.hint
    ]
    lines += [report.note] if report.note else []
    lines += [f"Learnt about this endpoint: {each}." for each in report.learnt]
    lines += [report.apis] if "roo.provider.api" in report.apis else []
    where = f"{report.model or 'the model'} at {report.endpoint or 'no endpoint'}"
    verdict = "a task can run" if report.ok else "a task cannot run yet"
    return "\n".join([f"Roo tested {where}: {verdict}.", *lines])
