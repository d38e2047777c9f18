"""What the records of the ports promise."""

from dataclasses import replace
from pathlib import Path

from roo_lsp.agent.ports import Problem


def test_a_problem_is_of_the_same_kind_after_lines_were_put_in_above_it() -> None:
    problem = Problem(Path("/w/a.py"), 3, 1, "x is not defined", "pyright", "undefined")
    assert replace(problem, line=9).kind == problem.kind
    for other in (
        replace(problem, path=Path("/w/b.py")),
        replace(problem, severity=2),
        replace(problem, message="y is not defined"),
        replace(problem, source="ruff"),
    ):
        assert other.kind != problem.kind
