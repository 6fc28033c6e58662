"""Writes docs/rules/: a page for every rule and contract, from the rule itself. --check only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from checkseries.judge.load import load, shipped
from checkseries.judge.rule import Example, Rule

PAGES = Path(__file__).resolve().parent / "rules"


def page(rule: Rule) -> str:
    """The page of one rule as Markdown."""
    kind = "contract" if rule.contract else "rule"
    paragraphs = rule.doc.split("\n\n")[1:]
    head = [
        f"# {rule.id}",
        "",
        f"{rule.title[:1].upper()}{rule.title[1:].rstrip('.')}.",
        "",
        f"A {kind}; severity {rule.severity}, confidence {rule.confidence}; since {rule.since}.",
        "",
    ]
    body = [line for paragraph in paragraphs for line in (_heading(paragraph), "")]
    shown = [line for example in rule.examples for line in _example(example)]
    return "\n".join([*head, *body, "## Examples", "", *shown]).rstrip() + "\n"


def _heading(paragraph: str) -> str:
    for name in ("Why", "Not found", "Severity"):
        if paragraph.startswith(f"{name}:"):
            return f"**{name}.** {' '.join(paragraph.removeprefix(f'{name}:').split())}"
    return paragraph


def _example(example: Example) -> list[str]:
    """The example's title, what each patch makes of the tree, and what is found."""
    lines = [f"### {'Finds' if example.finds else 'Quiet'}: {example.title}", ""]
    for number, patch in enumerate(example.patches, 1):
        for path, text in sorted(patch.items()):
            many = f"patch {number}: " if len(example.patches) > 1 else ""
            lines += [f"{many}`{path}`" + (" is deleted" if text is None else ""), ""]
            if text is not None:
                lines += ["```", text.rstrip("\n"), "```", ""]
    if example.finds:
        found = ", ".join(f"`{spot}`" for _, spot in (find.split(" ", 1) for find in example.finds))
        lines += [f"Found at {found}.", ""]
    return lines


def main() -> int:
    """Write the pages, or with --check say which differ and return 1."""
    rules = load([shipped()])
    wanted = {f"{rule.id}.md": page(rule) for rule in rules}
    rows = [f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.title} |" for rule in rules]
    wanted["README.md"] = (
        "\n".join(["# Rules and contracts", "", "| id | severity | what |", "| --- | --- | --- |", *rows])
        + "\n"
    )
    there = {path.name: path.read_text() for path in PAGES.glob("*.md")}
    if "--check" in sys.argv[1:]:
        stale = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
        for name in stale:
            print(f"docs/rules/{name} is not what the rule says; run make docs")
        return 1 if stale else 0
    PAGES.mkdir(exist_ok=True)
    for name in there.keys() - wanted.keys():
        (PAGES / name).unlink()
    for name, text in wanted.items():
        (PAGES / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
