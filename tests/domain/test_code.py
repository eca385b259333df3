"""Code is read, and refused with its line, without being run."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.code import CODE_MAX, UnreadableCode, argument_of_main, parsed
from orbiter.domain.workflows import Canvas, Issue, Node, issues_of


def refusal(code: str) -> str:
    with pytest.raises(UnreadableCode) as refused:
        argument_of_main(code)
    return str(refused.value)


@pytest.mark.parametrize(
    ("code", "argument"),
    [
        ("def main(inputs): pass", "inputs"),
        ("import x\n\ndef main(data, depth=3): return data", "data"),
        ("def main(given: dict, *rest, flag=False, **more) -> int: return 1", "given"),
        ("def main(inputs={}): pass", "inputs"),
        ("def main(): pass\n@traced\ndef main(last): pass", "last"),
        ("raise SystemExit\ndef main(inputs): pass", "inputs"),
        (r"def main(inputs): return '\d'", "inputs"),
    ],
)
def test_main_takes_its_inputs_under_any_name(code: str, argument: str) -> None:
    assert argument_of_main(code) == argument


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("", "There is no function `main`: def main(inputs)"),
        ("main = lambda inputs: 1", "There is no function `main`: def main(inputs)"),
        ("class A:\n  def main(inputs): pass", "There is no function `main`: def main(inputs)"),
        ("\ndef main(): pass", "`main` takes one argument: def main(inputs) (line 2)"),
        ("def main(a, b): pass", "`main` takes one argument: def main(inputs) (line 1)"),
        ("def main(a, *, b): pass", "`main` takes one argument: def main(inputs) (line 1)"),
        ("def main(a, /): pass", "`main` takes one argument: def main(inputs) (line 1)"),
        ("def main(*a): pass", "`main` takes one argument: def main(inputs) (line 1)"),
        ("async def main(a): pass", "`main` must be a plain function, not `async` (line 1)"),
        ("x = 1\ndef main(:", "SyntaxError: invalid syntax (line 2)"),
        ("#" * (CODE_MAX + 1), "The code is longer than 32 KiB"),
        ("not " * 8000 + "1", "SyntaxError: the code nests too deeply"),
        ("a" + ".b" * 15000, "SyntaxError: the code nests too deeply"),
        ("\ud800", "SyntaxError: the code is no text, or has a NUL in it"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(code: str, told: str) -> None:
    assert refusal(code) == told


@given(st.text())
def test_any_text_is_read_or_refused(code: str) -> None:
    try:
        parsed(code)
    except UnreadableCode:
        pass


@pytest.mark.parametrize(
    "code", ["a;" * 16_000, "f'" + "{1}" * 10_000 + "'", "a()" * 10_000, "a=" * 16_000 + "1"]
)
def test_reading_takes_a_moment_at_worst(code: str) -> None:
    began = perf_counter()
    refusal(code)
    assert perf_counter() - began < 1


def issues(*codes: object) -> list[Issue]:
    nodes = (
        Node(id=str(index), type="code", config={"code": code}) for index, code in enumerate(codes)
    )
    return [each for each in issues_of(Canvas(nodes=tuple(nodes))) if "CO" in each.code]


def test_a_canvas_with_unfinished_code_is_unfinished() -> None:
    assert issues("def main(inputs): return {{ x }}") == []
    (issue,) = issues("def main(inputs) return 1")
    assert (issue.node_id, issue.code) == ("0", "INVALID_CODE")
    assert issue.message.startswith("SyntaxError: ")


@pytest.mark.parametrize("code", ["", None])
def test_code_may_be_missing_from_a_draft(code: object) -> None:
    assert [issue.code for issue in issues(code)] == ["MISSING_CONFIG"]


def test_the_code_of_a_canvas_is_bounded_as_a_whole() -> None:
    code = "def main(inputs): pass\n" + "#" * 32_000
    found = issues(*[code] * 9)
    assert [(issue.node_id, issue.code) for issue in found] == [("8", "INVALID_CODE")]
    assert found[0].message == "The nodes' code is longer than 256 KiB together"
