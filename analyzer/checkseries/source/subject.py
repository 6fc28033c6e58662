"""What the subject line of a mail says about a patch: ``[RFC PATCH net-next v3 2/7] net: do a thing``.

The grammar is b4's (``LoreSubject``): every bracket group at the start belongs to the prefix, in any order
and nesting; what is no keyword is a tree or a list. In addition, a reply hidden behind somebody's bracket
(``[External] Re: [PATCH]``) is seen as one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_REPLY_WORDS = r"re|aw|sv|antw|答复|答覆|回复|回覆|回信"
_FORWARD_WORDS = r"fwd?|wg|转发|轉寄|轉發"
_REPLY = re.compile(rf"(?:{_REPLY_WORDS})\s*(?:[\[(^]\d+[\])]?)?\s*[:：]", re.IGNORECASE)
_FORWARD = re.compile(rf"(?:{_FORWARD_WORDS})\s*[:：]", re.IGNORECASE)
_OTHER_REPLY = re.compile(r"\w{2,3}\s*[:：]\s*\[")  # "RV: [PATCH]": some language's word, as b4 guesses
_NESTED = re.compile(r"^\s*\[([^\[\]]*)\[([^\[\]]*)\]")
_UNCLOSED = re.compile(r"^\s*\[([^\[\]]*)\]([^\[\]]*)\]")
_GROUP = re.compile(r"\s*\[([^\[\]]*)\]\s*")
_GLUED = re.compile(r"^(patch|rfc|resend)[-_]?(v\d.*|\d+/\d+)$", re.IGNORECASE)
_COUNTER = re.compile(r"(\d{1,4})/(\d{1,4})")
_REVISION = re.compile(r"v(\d{1,4})(?:\.(\d{1,4}))?", re.IGNORECASE)
_LENGTH_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject line, taken apart."""

    title: str
    """Without the bracketed prefix; for a reply without the prefix of what it answers, too."""
    reply: bool = False
    forward: bool = False
    patch: bool = False
    rfc: bool = False
    resend: bool = False
    pull: bool = False
    revision: int = 1
    minor: int = 0
    """The ``1`` of ``v2.1``: a patch sent anew within its revision."""
    revision_said: bool = False
    number: int | None = None
    """The ``n`` of ``n/m``; None if it is not there."""
    total: int | None = None
    prefixes: tuple[str, ...] = ()
    """The rest of the prefix: ``net-next``, ``AUTOSEL``, ``6.1``."""

    @property
    def is_series_like(self) -> bool:
        """Whether the prefix announces a patch; without it a mail may still hold one."""
        return self.patch or self.rfc or self.resend or self.number is not None or self.revision_said


def read_subject(text: str) -> Subject:
    """The parts of a subject line (decoded; folding and runs of blanks do not matter)."""
    text = " ".join(text[:_LENGTH_LIMIT].split())
    if _FORWARD.match(text):
        return Subject(_title(text), forward=True)
    if _REPLY.match(text) or _OTHER_REPLY.match(text):
        return Subject(_title(text), reply=True)
    chunks, title = _prefix(text)
    found = _read_chunks(chunks)
    announced = found.is_series_like
    if not announced and (_REPLY.match(title) or _FORWARD.match(title)):
        return Subject(_title(title), reply=bool(_REPLY.match(title)), forward=bool(_FORWARD.match(title)))
    return replace(found, title=title)


def _title(text: str) -> str:
    """What is left of a reply's subject below all its prefixes."""
    while True:
        match = _REPLY.match(text) or _FORWARD.match(text)
        if match is None and _OTHER_REPLY.match(text):
            text = text[text.index("[") :]
        elif match is not None:
            text = text[match.end() :].strip()
        rest = _prefix(text)[1]
        if rest == text and match is None:
            return text
        text = rest


def _prefix(text: str) -> tuple[list[str], str]:
    """The words in the leading bracket groups, and what follows the last of them."""
    for _ in range(16):  # deeper nesting is nobody's prefix
        if not _NESTED.match(text):
            break
        text = _UNCLOSED.sub(r"[\1 \2]", _NESTED.sub(r"[\1 \2]", text))
    chunks: list[str] = []
    while match := _GROUP.match(text):
        for word in re.split(r"[\s,;]+", match[1]):
            glued = _GLUED.match(word)
            chunks += [word] if glued is None else [glued[1], glued[2]]
        text = text[match.end() :]
    return [chunk for chunk in chunks if chunk], text.strip()


def _read_chunks(chunks: list[str]) -> Subject:
    number = total = None
    revision, minor, said = 1, 0, False
    prefixes = []
    words = [chunk.lower() for chunk in chunks]
    for chunk in chunks:
        counter, version = _COUNTER.fullmatch(chunk), _REVISION.fullmatch(chunk)
        if counter:
            number, total = int(counter[1]), int(counter[2])
        elif version and (version[2] is None or int(version[1]) <= 2):
            # v2.1 is a revision; v6.6 a kernel, and no kernel since 2011 begins with a 1 or 2
            revision, minor, said = int(version[1]), int(version[2] or 0), True
        elif not chunk.lower().startswith(("patch", "rfc", "resend", "repost")):
            prefixes.append(chunk)
    return Subject(
        title="",
        patch=any(word.startswith("patch") for word in words),
        rfc=any(word.startswith("rfc") for word in words),
        resend=any(word.startswith(("resend", "repost")) for word in words),
        pull="pull" in words,
        revision=revision,
        minor=minor,
        revision_said=said,
        number=number,
        total=total,
        prefixes=tuple(prefixes),
    )
