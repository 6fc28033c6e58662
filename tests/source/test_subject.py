"""Subject lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.source.subject import Subject, read_subject


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[PATCH] a: b", Subject("a: b", patch=True)),
        ("[PATCH 3/7] a: b", Subject("a: b", patch=True, number=3, total=7)),
        ("[PATCH 00/10]  a:\n b", Subject("a: b", patch=True, number=0, total=10)),
        ("[PATCH v3 03/14] x", Subject("x", patch=True, revision=3, revision_said=True, number=3, total=14)),
        ("[PATCHv3] x", Subject("x", patch=True, revision=3, revision_said=True)),
        ("[PATCH-v2 1/2] x", Subject("x", patch=True, revision=2, revision_said=True, number=1, total=2)),
        ("[PATCH V3 9/14] x", Subject("x", patch=True, revision=3, revision_said=True, number=9, total=14)),
        ("[v3 PATCH 9/13] x", Subject("x", patch=True, revision=3, revision_said=True, number=9, total=13)),
        ("[v6 1/5] x", Subject("x", revision=6, revision_said=True, number=1, total=5)),
        ("[patch 30/38] x", Subject("x", patch=True, number=30, total=38)),
        ("[RFC PATCH v9 5/11] x", Subject("x", patch=True, rfc=True, revision=9, revision_said=True, number=5, total=11)),
        ("[RFCv2 1/2] x", Subject("x", rfc=True, revision=2, revision_said=True, number=1, total=2)),
        ("[PATCH v13 RESEND 05/14] x", Subject("x", patch=True, resend=True, revision=13, revision_said=True, number=5, total=14)),
        ("[PATCH v3 resend 1/7] x", Subject("x", patch=True, resend=True, revision=3, revision_said=True, number=1, total=7)),
        ("[PATCH net-next v2 8/9] x", Subject("x", patch=True, revision=2, revision_said=True, number=8, total=9, prefixes=("net-next",))),
        ("[PATCH AUTOSEL 6.1 18/27] x", Subject("x", patch=True, number=18, total=27, prefixes=("AUTOSEL", "6.1"))),
        ("[PATCH v6.6 1/2] x", Subject("x", patch=True, number=1, total=2, prefixes=("v6.6",))),
        ("[PATCH v2.1 1/8] x", Subject("x", patch=True, revision=2, minor=1, revision_said=True, number=1, total=8)),
        ("[PATCH][next] x", Subject("x", patch=True, prefixes=("next",))),
        ("[libgpiod][PATCH 1/9] x", Subject("x", patch=True, number=1, total=9, prefixes=("libgpiod",))),
        ("[PATCH 08/10] [v6 net-next] x", Subject("x", patch=True, revision=6, revision_said=True, number=8, total=10, prefixes=("net-next",))),
        ("[PATCH [net] v2, 1/3] x", Subject("x", patch=True, revision=2, revision_said=True, number=1, total=3, prefixes=("net",))),
        ("[GIT PULL] x", Subject("x", pull=True, prefixes=("GIT", "PULL"))),
        ("[PATCH] a: use b[i] in [c]", Subject("a: use b[i] in [c]", patch=True)),
        ("[PATCH] a: close ]", Subject("a: close ]", patch=True)),
        ("a: no prefix", Subject("a: no prefix")),
        ("mm: no reply", Subject("mm: no reply")),
        ("[PATCH unclosed", Subject("[PATCH unclosed")),
        ("", Subject("")),
        ("[PATCH]", Subject("", patch=True)),
    ],
)  # fmt: skip
def test_prefixes(text: str, expected: Subject) -> None:
    assert read_subject(text) == expected


@pytest.mark.parametrize(
    "text",
    ["Re: [PATCH v2 1/2] x: y", "RE: [PATCH] x: y", "re:[PATCH] x: y", "Aw: [PATCH] x: y", "Re[2]: [PATCH] x: y", "RV: [PATCH] x: y",
     "\u7b54\u590d: [PATCH] x: y", "\u56de\u8986: \u56de\u8986: [PATCH 5/7] x: y", "\u56de\u590d\uff1a[PATCH] x: y",
     "[External] Re: [PATCH] x: y", "\u7b54\u590d: [\u5916\u90e8] Re: [PATCH] x: y", "Re: Fwd: [PATCH] x: y"],
)  # fmt: skip
def test_replies(text: str) -> None:
    found = read_subject(text)
    assert (found.reply, found.forward, found.patch, found.number) == (True, False, False, None)
    assert found.title == "x: y"


@pytest.mark.parametrize("text", ["Fwd: [PATCH] x: y", "FW: [PATCH] x: y", "[ext] Fwd: Re: x: y"])
def test_forwarded(text: str) -> None:
    found = read_subject(text)
    assert (found.reply, found.forward, found.title) == (False, True, "x: y")


@pytest.mark.parametrize(
    "text", ["[PATCH] re: zero", "[PATCH 1/2] mm: [RFC] x", "rest: of it", "[PATCH] wg: fix"]
)
def test_what_only_looks_like_a_reply(text: str) -> None:
    assert not read_subject(text).reply
    assert not read_subject(text).forward


def test_series_like() -> None:
    assert all(
        read_subject(text).is_series_like
        for text in ("[PATCH] x", "[RFC] x", "[v2] x", "[1/2] x", "[RESEND] x")
    )
    assert not any(
        read_subject(text).is_series_like
        for text in ("x", "[net] x", "[GIT PULL] x", "[linux-next:master] x")
    )


@given(
    st.integers(1, 99), st.integers(0, 60), st.integers(1, 60), st.booleans(),
    st.lists(st.sampled_from(["net-next", "6.1.y", "tip"]), max_size=2), st.sampled_from(["a: b", "x/y: fix [z]"]), st.randoms(),
)  # fmt: skip
def test_the_order_in_the_prefix_does_not_matter(
    revision: int, number: int, total: int, rfc: bool, trees: list[str], title: str, random: object
) -> None:
    words = ["PATCH", f"v{revision}", f"{number}/{total}", *(["RFC"] if rfc else []), *trees]
    random.shuffle(words)  # type: ignore[attr-defined]  # random.Random, which hypothesis wraps
    found = read_subject(f"[{' '.join(words)}] {title}")
    assert (found.patch, found.rfc, found.revision, found.number, found.total) == (
        True,
        rfc,
        revision,
        number,
        total,
    )
    assert sorted(found.prefixes) == sorted(trees)
    assert found.title == title


@given(st.text(alphabet="[]Re: PATCHv12/\u7b54\u590d,x", max_size=60))
def test_any_subject_is_read(text: str) -> None:
    found = read_subject(text)
    assert not (found.reply and found.forward)
    assert found.title == found.title.strip()
