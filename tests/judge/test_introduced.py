"""Only what a patch brings in is reported: by fingerprint, whatever lines, names of files and order do."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from checkseries.judge.introduced import State, fingerprint, introduced
from checkseries.model import Confidence, Finding, Place, Severity, Undecided


def finding(
    path: str = "a.c", line: int = 1, symbol: str = "f", subject: str = "g", text: str = "g(x);"
) -> Finding:
    return Finding(
        "rule", Severity.ERROR, Confidence.HIGH, Place(path, line, 1, symbol, text), subject, "message"
    )


def state(*findings: Finding, undecided: tuple[Undecided, ...] = ()) -> State:
    return State(findings, undecided)


_FINDINGS = st.lists(
    st.builds(
        finding,
        path=st.sampled_from(["a.c", "b.c"]),
        line=st.integers(1, 9),
        symbol=st.sampled_from(["f", "h", ""]),
        subject=st.sampled_from(["g", "k", ""]),
        text=st.sampled_from(["g(x);", "k();"]),
    ),
    max_size=6,
)


@given(_FINDINGS)
def test_the_same_introduces_nothing(findings: list[Finding]) -> None:
    assert introduced(state(*findings), state(*findings), {}, {}, {}) == ()


@given(_FINDINGS, st.integers(1, 50))
def test_shifted_lines_introduce_nothing(findings: list[Finding], shift: int) -> None:
    moved = [
        finding(each.place.path, each.place.line + shift, each.place.symbol, each.subject, each.place.text)
        for each in findings
    ]
    assert introduced(state(*findings), state(*moved), {}, {}, {}) == ()


@given(_FINDINGS)
def test_a_renamed_file_introduces_nothing(findings: list[Finding]) -> None:
    renames = {"new/a.c": "a.c", "new/b.c": "b.c"}
    moved = [
        finding("new/" + each.place.path, each.place.line, each.place.symbol, each.subject, each.place.text)
        for each in findings
    ]
    assert introduced(state(*findings), state(*moved), {}, {}, renames) == ()


@given(_FINDINGS, _FINDINGS)
def test_never_more_than_the_surplus(old: list[Finding], new: list[Finding]) -> None:
    fresh = introduced(state(*old), state(*new), {}, {}, {})
    assert len(fresh) >= len(new) - len(old)
    assert all(each in new for each in fresh)


@given(_FINDINGS, _FINDINGS)
@example(
    [finding(symbol="f"), finding(symbol="h")],
    [finding(symbol=""), finding("b.c", symbol="f")],
)
def test_order_does_not_matter(old: list[Finding], new: list[Finding]) -> None:
    forward = introduced(state(*old), state(*new), {}, {}, {})
    backward = introduced(state(*reversed(old)), state(*new), {}, {}, {})
    assert [fingerprint(each) for each in forward] == [fingerprint(each) for each in backward]


def test_of_twins_the_one_on_an_added_line_is_new() -> None:
    old = state(finding(line=9), finding(line=20))
    new = state(finding(line=5), finding(line=10), finding(line=21))
    assert introduced(old, new, {"a.c": frozenset({5})}, {}, {}) == (finding(line=5),)


def test_what_moved_to_another_function_is_not_new() -> None:
    assert introduced(state(finding(symbol="f")), state(finding(symbol="h")), {}, {}, {}) == ()


def test_a_second_one_elsewhere_is_new() -> None:
    old, new = state(finding(symbol="f")), state(finding(symbol="f"), finding(symbol="h"))
    assert introduced(old, new, {}, {}, {}) == (finding(symbol="h"),)


def test_unknown_before_is_new_only_on_an_added_line() -> None:
    old = state(undecided=(Undecided(Place("a.c", 1, 1, "f", ""), "cannot be read"),))
    assert introduced(old, state(finding()), {}, {}, {}) == ()
    assert introduced(old, state(finding()), {"a.c": frozenset({1})}, {}, {}) == (finding(),)


def test_a_rename_is_followed_over_patches() -> None:
    """Renamed by patch 1 (a.c to b.c), by patch 2 (b.c to c.c): patch 2 brings in nothing."""
    assert introduced(state(finding("b.c")), state(finding("c.c")), {}, {"b.c": "a.c"}, {"c.c": "a.c"}) == ()


def test_the_message_is_no_part_of_a_fingerprint() -> None:
    one = finding()
    other = Finding(
        "rule", Severity.NOTE, Confidence.LOW, Place("a.c", 77, 3, "f", "other text"), "g", "another message"
    )
    assert fingerprint(one) == fingerprint(other)
