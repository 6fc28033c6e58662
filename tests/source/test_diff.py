"""Unified diffs: what is read from each shape, and what is refused."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkseries.errors import InputError
from checkseries.model import Change, Edit
from checkseries.source.diff import edits, holds_diff

HEAD = b"diff --git a/mm/x.c b/mm/x.c\nindex 1111111..2222222 100644\n--- a/mm/x.c\n+++ b/mm/x.c\n"
HUNK = b"@@ -1,2 +1,2 @@ int f(void)\n a\n-b\n+c\n"


def one(text: bytes) -> Edit:
    (edit,) = edits(text)
    return edit


def test_a_git_diff() -> None:
    edit = one(HEAD + HUNK)
    assert (edit.change, edit.old_path, edit.new_path) == (Change.MODIFY, "mm/x.c", "mm/x.c")
    assert (edit.old_mode, edit.new_mode, edit.old_blob, edit.new_blob) == (
        "100644",
        "100644",
        "1111111",
        "2222222",
    )
    (hunk,) = edit.hunks
    assert (hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count) == (1, 2, 1, 2)
    assert hunk.section == "int f(void)"
    assert hunk.lines == (b" a\n", b"-b\n", b"+c\n")
    assert (hunk.old, hunk.new) == ((b"a\n", b"b\n"), (b"a\n", b"c\n"))


def test_counts_left_out_are_one() -> None:
    (hunk,) = one(HEAD + b"@@ -7 +7 @@\n-b\n+c\n").hunks
    assert (hunk.old_start, hunk.old_count, hunk.new_count) == (7, 1, 1)


@pytest.mark.parametrize(
    "tail", [b"-- \n2.43.0\n", b"--\nbase-commit: 1234567\n", b"+more\n", b"\n text\n", b"-x\n"]
)
def test_counts_end_a_hunk_and_not_what_follows_it(tail: bytes) -> None:
    assert edits(HEAD + HUNK + tail) == edits(HEAD + HUNK)


def test_several_files_and_hunks() -> None:
    second = HEAD.replace(b"mm/x.c", b"mm/y.c")
    found = edits(
        b"text\n" + HEAD + HUNK + HUNK.replace(b"-1,2 +1,2", b"-9,2 +9,2") + second + HUNK + b"-- \n"
    )
    assert [(edit.path, len(edit.hunks)) for edit in found] == [("mm/x.c", 2), ("mm/y.c", 1)]


def test_an_empty_context_line_may_have_lost_its_blank() -> None:
    (hunk,) = one(HEAD + b"@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n").hunks
    assert hunk.lines[1] == b" \n"


def test_no_newline_at_end_of_file() -> None:
    mark = b"\\ No newline at end of file\n"
    assert one(HEAD + b"@@ -1 +1 @@\n-b\n" + mark + b"+c\n").hunks[0].lines == (b"-b", b"+c\n")
    assert one(HEAD + b"@@ -1 +1 @@\n-b\n+c\n" + mark).hunks[0].lines == (b"-b\n", b"+c")
    assert one(HEAD + b"@@ -1,2 +1 @@\n-b\n c\n" + mark).hunks[0].lines == (b"-b\n", b" c")
    localised = b"\\ Kein Zeilenumbruch am Dateiende.\n"
    assert one(HEAD + b"@@ -1 +1 @@\n-b\n+c\n" + localised).hunks[0].lines == (b"-b\n", b"+c")


def test_carriage_returns_of_the_file_stay() -> None:
    assert one(HEAD + b"@@ -1 +1 @@\n-b\r\n+c\r\n").hunks[0].lines == (b"-b\r\n", b"+c\r\n")


def test_the_last_line_of_the_text_may_lack_its_line_end() -> None:
    assert edits((HEAD + HUNK).removesuffix(b"\n")) == edits(HEAD + HUNK)


def test_new_file() -> None:
    edit = one(
        b"diff --git a/x b/x\nnew file mode 100755\nindex 000000..123456\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+c\n"
    )
    assert (edit.change, edit.old_path, edit.new_path) == (Change.ADD, None, "x")
    assert (edit.old_mode, edit.new_mode, edit.old_blob, edit.new_blob) == (None, "100755", None, "123456")


def test_new_empty_file() -> None:
    edit = one(b"diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n")
    assert (edit.change, edit.path, edit.hunks) == (Change.ADD, "x", ())


def test_deleted_file() -> None:
    edit = one(
        b"diff --git a/x b/x\ndeleted file mode 100644\nindex 123456..000000\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-c\n"
    )
    assert (edit.change, edit.old_path, edit.new_path, edit.path) == (Change.DELETE, "x", None, "x")
    assert (edit.old_mode, edit.new_mode, edit.new_blob) == ("100644", None, None)


@pytest.mark.parametrize(("word", "change"), [("rename", Change.RENAME), ("copy", Change.COPY)])
def test_rename_and_copy(word: str, change: Change) -> None:
    header = (
        f"diff --git a/old name b/new name\nsimilarity index 90%\n{word} from old name\n{word} to new name\n"
    )
    pure = one(header.encode() + b"-- \n2.43\n")
    assert (pure.change, pure.old_path, pure.new_path, pure.hunks) == (change, "old name", "new name", ())
    changed = one(header.encode() + b"index 1111..2222 100644\n--- a/old name\t\n+++ b/new name\t\n" + HUNK)
    assert (changed.change, changed.old_path, changed.new_path) == (change, "old name", "new name")
    assert len(changed.hunks) == 1


def test_mode_change() -> None:
    edit = one(b"diff --git a/x b/x\nold mode 100755\nnew mode 100644\n")
    assert (edit.change, edit.old_mode, edit.new_mode, edit.hunks) == (Change.MODIFY, "100755", "100644", ())


def test_symbolic_links_and_submodules_are_files_of_their_mode() -> None:
    link = one(
        b"diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+y\n\\ No newline at end of file\n"
    )
    assert (link.new_mode, link.hunks[0].lines) == ("120000", (b"+y",))
    module = one(
        HEAD.replace(b"100644", b"160000") + b"@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n"
    )
    assert module.old_mode == "160000"


BINARY = b"diff --git a/x b/x\nindex 1111..2222 100644\n"


def test_binary_files() -> None:
    differ = one(BINARY + b"Binary files a/x and b/x differ\n")
    assert (differ.binary, differ.hunks, differ.change) == (True, (), Change.MODIFY)
    literal = BINARY + b"GIT binary patch\nliteral 4\nLcmZQzWMT#Y01f~L\n\nliteral 0\nHcmV?d00001\n\n"
    found = edits(literal + HEAD + HUNK)
    assert [(edit.path, edit.binary) for edit in found] == [("x", True), ("mm/x.c", False)]


@pytest.mark.parametrize(
    "text",
    [
        b"GIT binary patch\n",
        b"GIT binary patch\nliteral 4\nLcmZQz\n\n",
        b"GIT binary patch\nliteral 4\nLcmZQzWMT#Y01f~L\n",
    ],
)
def test_damaged_binary_patches(text: bytes) -> None:
    with pytest.raises(InputError, match="binary patch"):
        edits(BINARY + text)


# --- plain diffs


def plain(old: str, new: str) -> bytes:
    return f"--- {old}\n+++ {new}\n@@ -1 +1 @@\n-b\n+c\n".encode()


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("a/mm/x.c", "b/mm/x.c", "mm/x.c"),
        (
            "a/mm/x.c\t2026-02-02 10:00:00.000000000 +0100",
            "b/mm/x.c\t2026-02-02 10:00:01.000000000 +0100",
            "mm/x.c",
        ),
        (
            "a/mm/x.c 2026-02-02 10:00:00.000000000 +0100",
            "b/mm/x.c 2026-02-02 10:00:01.000000000 +0100",
            "mm/x.c",
        ),
        ("linux.orig/mm/x.c", "linux/mm/x.c", "mm/x.c"),
        ("linux-6.1/mm/x.c.orig", "linux-6.1/mm/x.c", "mm/x.c"),
        ("mm/x.c", "mm/x.c", "mm/x.c"),
        ("Makefile", "Makefile", "Makefile"),
        ("./mm/x.c.orig", "./mm/x.c", "mm/x.c"),
        ('"a/mm/x \\303\\244.c"', '"b/mm/x \\303\\244.c"', "mm/x \u00e4.c"),
        ("a/mm/x y.c\t", "b/mm/x y.c\t", "mm/x y.c"),
    ],
)
def test_plain_diffs_name_their_file(old: str, new: str, path: str) -> None:
    edit = one(b"Index: x\n=====\n" + plain(old, new))
    assert (edit.change, edit.old_path, edit.new_path) == (Change.MODIFY, path, path)


@pytest.mark.parametrize("absent", ["/dev/null", "/dev/null\t1970-01-01 00:00:00.000000000 +0000",
                                    "a/mm/x.c\t1970-01-01 01:00:00.000000000 +0100",
                                    "a/mm/x.c\t1969-12-31 19:00:00.000000000 -0500"])  # fmt: skip
def test_plain_diffs_of_new_and_deleted_files(absent: str) -> None:
    added = one(f"--- {absent}\n+++ b/mm/x.c\n@@ -0,0 +1 @@\n+c\n".encode())
    assert (added.change, added.old_path, added.new_path) == (Change.ADD, None, "mm/x.c")
    deleted = one(f"--- b/mm/x.c\n+++ {absent}\n@@ -1 +0,0 @@\n-c\n".encode())
    assert (deleted.change, deleted.old_path, deleted.new_path) == (Change.DELETE, "mm/x.c", None)


def test_a_time_close_to_the_epoch_is_a_time() -> None:
    late = plain("a/x\t1970-01-01 01:00:00 +0000", "b/x\t2026-01-01 00:00:00 +0000")
    assert one(late).change is Change.MODIFY


def test_a_lone_name_beside_dev_null() -> None:
    def added(name: str) -> str:
        return edits(b"--- /dev/null\n+++ " + name.encode() + b"\n@@ -0,0 +1 @@\n+c\n")[0].path

    assert added("linux-next/mm/new.c") == "mm/new.c"
    assert added("mm/kasan/new.c") == "mm/kasan/new.c", "no tree is called mm, and mm has no kasan/ beside it"
    assert edits(plain("x.c", "x.c") + b"--- /dev/null\n+++ drivers/net/new.c\n@@ -0,0 +1 @@\n+c\n")[
        1
    ].path == ("drivers/net/new.c"), "the diff before it has no prefix"
    with pytest.raises(InputError, match="cannot tell whether drivers/ belongs"):
        added("drivers/net/new.c")


# --- prefixes and names of git diffs


@pytest.mark.parametrize(
    ("old", "new"), [("a/", "b/"), ("i/", "w/"), ("", ""), ("c/", "i/"), ("old/", "new/")]
)
@pytest.mark.parametrize("path", ["Makefile", "mm/x.c", "mm/a file.c", "x/a/b.c"])
def test_prefixes(old: str, new: str, path: str) -> None:
    head = f"diff --git {old}{path} {new}{path}\n"
    body = f"--- {old}{path}\n+++ {new}{path}\n".encode() + HUNK
    assert one(head.encode() + b"index 1111..2222\n" + body).path == path
    assert one(head.encode() + b"old mode 100755\nnew mode 100644\n").path == path


def test_quoted_names() -> None:
    name = r'"a/mm/\303\244 \"q\".c"'
    other = name.replace("a/", "b/", 1)
    text = f"diff --git {name} {other}\n--- {name}\n+++ {other}\n".encode() + HUNK
    assert one(text).path == 'mm/\u00e4 "q".c'
    renamed = f"diff --git {name} b/plain.c\nrename from {name.replace('a/', '', 1)}\nrename to plain.c\n"
    assert one(renamed.encode()).old_path == 'mm/\u00e4 "q".c'


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("mm/../../x", "leaves the tree"),
        ("../x", "leaves the tree"),
        ("mm/./x", "leaves the tree"),
        (".git/config", "leaves the tree"),
        ("mm/.GIT/config", "leaves the tree"),
        ("/etc/passwd", "absolute"),
        ("mm/x\\000y", "control character"),
        ("mm/x\\ny", "control character"),
        ("mm/\\377", "not UTF-8"),
        ("mm/" + "x" * 5000, "longer than"),
        ("mm/x/", "names a directory"),
    ],
)
def test_paths_that_no_tree_has(path: str, why: str) -> None:
    quoted = f'diff --git "a/{path}" "b/{path}"\n--- "a/{path}"\n+++ "b/{path}"\n'.encode() + HUNK
    with pytest.raises(InputError, match=why):
        edits(quoted)
    with pytest.raises(InputError, match=why):
        edits(f'--- "a/{path}"\n+++ "b/{path}"\n@@ -1 +1 @@\n-b\n+c\n'.encode())
    with pytest.raises(InputError, match=why):
        edits(f'diff --git a/x b/y\nrename from x\nrename to "{path}"\n'.encode())


def test_repeated_slashes_are_squeezed() -> None:
    assert one(HEAD.replace(b"mm/x.c", b"mm//x.c") + HUNK).path == "mm/x.c"


# --- what git apply refuses


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (HEAD + b"@@ -1,2 +1,2 @@\n a\n-b\n", 5, "cut off"),
        (HEAD + b"@@ -1,2 +1,2 @@\n a\n-b\n*c\n", 5, "none of it"),
        (HEAD + b"@@ -1,2 +1,2 @@\n-a\n-b\n-c\n+d\n", 5, "other lines"),
        (HEAD + b"@@ -1,2 +1,2 @@\n a\n b\n", 5, "changes nothing"),
        (HEAD + b"@@ -1,2 @@\n a\n", 5, "not one"),
        (HEAD + b"@@ -1,9999999999 +1 @@\n a\n", 5, "not one"),
        (
            HEAD + b"@@ -1,2 +1,3 @@\n a\n+b\n\\ No newline at end of file\n c\n",
            5,
            "before the end of the file",
        ),
        (b"text\n" + HUNK, 2, "without a file header"),
        (b"diff --git a/x b/x\nindex 1111..2222\n", 1, "without any change"),
        (b"diff --git a/x b/x\n", 1, "nothing below it"),
        (b"diff --git a/x b/y\nindex 1111..2222\n--- a/x\n+++ b/y\n" + HUNK, 1, "two files"),
        (b"diff --git a/x b/x\n--- a/y\n+++ b/y\n" + HUNK, 1, "two files"),
        (b"diff --git a/x b/x\n--- a/x\n" + HUNK, 1, "one of the --- and"),
        (b"diff --git a/x b/x\n--- a/x\n--- a/z\n+++ b/x\n" + HUNK, 3, "second --- line"),
        (b"diff --git a/x b/x\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+c\n", 1, "do not go together"),
        (
            b"diff --git a/x b/x\nnew file mode 100644\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+c\n",
            1,
            "do not go together",
        ),
        (
            b"diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -1 +1 @@\n-b\n+c\n",
            1,
            "old contents",
        ),
        (
            b"diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +1 @@\n-b\n+c\n",
            1,
            "still has",
        ),
        (b"diff --git a/x b/x\nnew file mode 100644\ndeleted file mode 100644\n", 3, "both add and delete"),
        (b"diff --git a/x b/y\nrename from x\n", 1, "names one file only"),
        (b"diff --git a/x b/y\nrename from x\nrename to y\n--- a/x\n+++ b/z\n" + HUNK, 1, "whose diff is of"),
        (b"diff --git a/x b/x\nold mode rwxr\n", 2, "file mode"),
        (b"diff --git a/x b/x\n+++ /dev/null\ndeleted file mode 100644\n", 3, "below the --- or"),
        (b"diff --git a/x b/x\nindex 1111..2222 rw\n", 2, "file mode"),
        (b"diff --git nonsense\nindex 1111..2222\n", 1, "without a file name"),
        (b"--- a/x\n+++ b/y\n@@ -1 +1 @@\n-b\n+c\n", 1, "two files"),
        (b"--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-b\n+c\n", 1, "absent on both sides"),
        (b"--- /dev/null\n+++ b/x\n@@ -1 +1 @@\n-b\n+c\n", 1, "old contents"),
        (b"diff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1 -1 +1 @@@\n", 1, "combined diff"),
    ],
)
def test_damaged_diffs_are_refused_with_their_line(text: bytes, line: int, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        edits(text)
    assert str(caught.value).startswith(f"line {line}: ")
    with pytest.raises(InputError) as caught:
        edits(text, 101)
    assert str(caught.value).startswith(f"line {line + 100}: ")


def test_too_many_lines() -> None:
    with pytest.raises(InputError, match="lines"):
        edits(b"\n" * 1_000_001)


@pytest.mark.parametrize(
    "text", [b"", b"nothing\n", b"> diff --git a/x b/x\n> --- a/x\n> +++ b/x\n", b"--- a/x\n+++ b/x\n"]
)
def test_texts_without_a_diff(text: bytes) -> None:
    assert edits(text) == ()
    assert not holds_diff(text)


def test_holds_diff() -> None:
    assert holds_diff(b"text\n" + HEAD)
    assert holds_diff(b"text\n" + plain("a/x", "b/x"))
    assert holds_diff(b"x\ndiff --git a/x b/x\nrename from x\n")


# --- laws

content = st.lists(st.sampled_from(["a\n", "b\n", "\n", "-- \n", "+++ b/x\n", "@@ -1 +1 @@\n", " c\n", "diff --git a/x b/x\n"]),
                   max_size=12)  # fmt: skip


def applied(edit: Edit, old: list[bytes]) -> list[bytes]:
    """The lines after the edit: the plainest applier there can be."""
    done: list[bytes] = []
    at = 0
    for hunk in edit.hunks:
        start = hunk.old_start - (hunk.old_count > 0)
        done += old[at:start]
        assert tuple(old[start : start + hunk.old_count]) == hunk.old
        done += hunk.new
        at = start + hunk.old_count
    return done + old[at:]


@given(content, content, st.integers(0, 4))
def test_a_diff_says_what_becomes_of_the_old_lines(old: list[str], new: list[str], context: int) -> None:
    text = "".join(difflib.unified_diff(old, new, "a/x", "b/x", n=context))
    found = edits(b"-- \n" + text.encode() + b"-- \n2.43\n") if text else ()
    assert bool(found) is (old != new)
    for edit in found:
        before = [line.encode() for line in old]
        assert applied(edit, before) == [line.encode() for line in new]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    for data in (text, HEAD + text, HEAD + HUNK + text, b"--- a/x\n+++ b/x\n@@ -" + text):
        try:
            edits(data)
        except InputError as error:
            assert str(error).isprintable()


fragments = st.sampled_from([
    b"diff --git a/x b/x\n", b"--- a/x\n", b"+++ b/x\n", b"--- /dev/null\n", b"@@ -1,2 +1,2 @@\n", b"@@ -1 +1 @@\n", b" a\n",
    b"-b\n", b"+c\n", b"\n", b"\\ No newline at end of file\n", b"new file mode 100644\n", b"rename from x\n", b"rename to y\n",
    b"index 1111..2222 100644\n", b"old mode 100644\n", b"new mode 100755\n", b"GIT binary patch\n", b"literal 1\n", b"-- \n",
    b"deleted file mode 100644\n", b"HcmV?d00001\n", b"Binary files a/x and b/x differ\n", b"Index: x\n",
])  # fmt: skip


@given(st.lists(fragments, max_size=24))
def test_what_is_read_is_consistent(pieces: list[bytes]) -> None:
    try:
        found = edits(b"".join(pieces))
    except InputError:
        return
    for edit in found:
        assert (edit.old_path is None) is (edit.change is Change.ADD)
        assert (edit.new_path is None) is (edit.change is Change.DELETE)
        assert not (edit.binary and edit.hunks)
        for hunk in edit.hunks:
            assert (len(hunk.old), len(hunk.new)) == (hunk.old_count, hunk.new_count)
            assert all(line.endswith(b"\n") for line in hunk.old[:-1] + hunk.new[:-1])
