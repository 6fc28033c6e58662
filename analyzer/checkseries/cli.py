"""The command line: arguments in, a report out. The only place that prints, exits or reads the environment."""

from __future__ import annotations

import argparse
import difflib
import gc
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from checkseries import __version__
from checkseries.errors import CheckseriesError, InputError, UsageError
from checkseries.git import Git
from checkseries.limits import TOTAL_SECONDS, TooSlowError, bound_memory, within
from checkseries.model import Laid, Report, Series, Severity, Status
from checkseries.source.mailbox import Source
from checkseries.tree import Snapshot, Tree
from checkseries.tree.index import Index
from checkseries.tree.locate import Location, locate, open_tree
from checkseries.tree.remembered import RememberedTree, Wordbook

if TYPE_CHECKING:
    from checkseries.facts.kconfig.evaluate import Mode

CLEAN, FOUND, FAILED = 0, 1, 2
"""Exit statuses: nothing at or above --fail-on; something; could not be judged."""

_TOOLCHAINS = ("gcc", "gcc-old", "clang", "any")
_FORMATS = ("text", "json", "sarif", "terse")
_QUERIES = ("eval", "implies", "unmet", "why")
"""What stands behind ``kconfig`` and is no symbol."""
_CONFIG_BYTES = 8 << 20
"""Of a ``.config``; that of a distribution has a thirtieth."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run checkseries and return its exit status; every expected failure is one line on standard error."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    gc.disable()  # a run is short, its facts live to its end, and collecting doubles the time of a Kconfig parse
    bound_memory()
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        if arguments[:1] == ["kconfig"] and arguments[1:2] and arguments[1] in _QUERIES:
            arguments[:2] = [" ".join(arguments[:2])]  # beside symbols argparse takes no commands
        options = _parser().parse_args(arguments)
        return _done(options)
    except CheckseriesError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return _failed("interrupted")
    except RecursionError:
        return _failed("the input nests too deeply")
    except MemoryError:
        return _failed("out of memory")


def _done(options: argparse.Namespace) -> int:
    """Run a command; what its facts said of files is kept once its output is out."""
    options.index = _index(options)
    status = int(options.run(options))
    if options.index is not None:
        options.index.settle()
    return status


def _failed(message: str) -> int:
    from checkseries.report.clean import printable

    print(f"checkseries: {printable(message)}", file=sys.stderr)
    return FAILED


# --- check, staged, push -----------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    where = _location(options)
    if options.range is not None:
        if options.source:
            raise UsageError("SOURCE and --range exclude each other")
        from checkseries.source.gitrange import gitrange

        base, series = gitrange(_git(where, "--range"), options.range)
        return _judge(options, where, [(options.rev or base, series)])
    if not options.source:
        raise UsageError(
            "what is to be checked? Name a mailbox or patch files, '-' for standard input, or --range A..B"
        )
    from checkseries.source.series import read_series

    sources = [_source(each) for each in options.source]
    _progress("reading the series")
    return _judge(options, where, [(options.rev, read_series(sources))])


def _source(name: str) -> Source:
    if name == "-":
        if sys.stdin.isatty():
            raise UsageError("'-' reads a mailbox from standard input, which is a terminal")
        return Source("-", sys.stdin.buffer.read())
    return Source(name)


def _staged(options: argparse.Namespace) -> int:
    from checkseries.source.staged import staged

    where = _location(options)
    base, series = staged(_git(where, "staged"))
    if not series.patches:
        return _nothing("nothing is staged")
    return _judge(options, where, [(base, series)])


def _push(options: argparse.Namespace) -> int:
    from checkseries.source.push import push, push_lines

    where = _location(options)
    git = _git(where, "push")
    start, end = os.environ.get("PRE_COMMIT_FROM_REF"), os.environ.get("PRE_COMMIT_TO_REF")
    remote = os.environ.get("PRE_COMMIT_REMOTE_NAME") or options.remote
    if end is not None:
        pushed = push(git, start, end, remote)
    elif sys.stdin.isatty():
        raise UsageError(
            "push reads git's pre-push lines from standard input, or PRE_COMMIT_FROM_REF and _TO_REF"
        )
    else:
        pushed = push_lines(git, sys.stdin.read(), remote)
    todo = [(base, series) for base, series in pushed if series.patches]
    if not todo:
        return _nothing("nothing to push")
    return _judge(options, where, todo)


def _nothing(message: str) -> int:
    if sys.stderr.isatty():
        print(f"checkseries: {message}", file=sys.stderr)
    return CLEAN


def _git(where: Location, what: str) -> Git:
    if where.git is None:
        raise UsageError(f"{what} needs a git repository; {where.path} is none")
    return where.git


def _location(options: argparse.Namespace) -> Location:
    return locate(options.tree, os.getcwd(), os.environ)


def _wordbook(options: argparse.Namespace) -> Wordbook | None:
    """What searches of a tree found, remembered between runs."""
    place = _cache(options)
    return Wordbook(os.path.join(place, "words-1.sqlite")) if place else None


def _index(options: argparse.Namespace) -> Index | None:
    """What facts said of files, remembered between runs."""
    place = _cache(options)
    return Index(place) if place else None


def _cache(options: argparse.Namespace) -> str | None:
    """Our part of the user's cache directory (XDG Base Directory Specification)."""
    if not getattr(options, "cache", False):  # some commands read no tree
        return None
    place = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(place):
        home = os.path.expanduser("~")
        if not os.path.isdir(home):  # a service account's: nobody's to make
            return None
        place = os.path.join(home, ".cache")
    return os.path.join(place, "checkseries")


def _judge(options: argparse.Namespace, where: Location, todo: Sequence[tuple[str | None, Series]]) -> int:
    from checkseries.archs import archs_of
    from checkseries.facts.kconfig import PROFILES
    from checkseries.judge.load import load, shipped
    from checkseries.run import run

    rules = load([shipped(), *options.rules])
    profile = PROFILES[options.toolchain].text
    status = CLEAN
    rendered = []
    for revision, series in todo:
        started = time.monotonic()
        _progress("opening the tree")
        tree = open_tree(where, revision, worktree=options.worktree, book=_wordbook(options))
        archs = archs_of(tree, series, options.arch)
        _progress(f"judging {len(series.patches)} patches")
        report = run(
            series, tree, rules, archs, profile, _processes(options), options.toolchain, options.index
        )
        report = replace(report, seconds=time.monotonic() - started)
        _progress("")
        rendered.append(_rendered(options, report, rules))
        status = max(status, _status(report, options.fail_on))
    _write(options, "\n".join(rendered) if options.format == "text" else "".join(rendered))
    # Now that the answer is out; a hook has somebody wait for its end.
    if options.run is _check and isinstance(tree, RememberedTree) and tree.wants_concordance():
        sys.stdout.flush()
        _progress("reading all words of the tree, so that the next series waits for no search")
        tree.make_concordance(_processes(options))
        _progress("")
    return status


def _processes(options: argparse.Namespace) -> int:
    """How many processes to use."""
    return int(options.jobs or min(os.cpu_count() or 1, 4))


def _index_tree(options: argparse.Namespace) -> int:
    tree = open_tree(_location(options), options.rev, book=_wordbook(options))
    if not isinstance(tree, RememberedTree):
        reason = (
            "is no git repository, so nothing of it is remembered"
            if options.cache
            else "--no-cache forbids it"
        )
        raise UsageError(f"index: {tree.name} {reason}")
    _progress("reading all words of the tree")
    made = tree.make_concordance(_processes(options))
    _progress("")
    if not made:
        raise InputError(f"index: the words of {tree.name} cannot be kept")
    print(f"{tree.name}: no search of it takes long from now on")
    return CLEAN


def _status(report: Report, fail_on: str) -> int:
    undone = (Status.DOES_NOT_APPLY, Status.NOT_JUDGED)
    if any(judged.status in undone for judged in report.patches) or any(
        each.failure for each in report.skipped
    ):
        return FAILED
    if fail_on == "never":
        return CLEAN
    least = Severity(fail_on).weight
    return FOUND if any(each.finding.severity.weight >= least for each in report.findings) else CLEAN


def _rendered(options: argparse.Namespace, report: Report, rules: Sequence[object]) -> str:
    from checkseries.judge.rule import Rule
    from checkseries.report.info import RuleInfo

    infos = tuple(
        RuleInfo(rule.id, rule.title, rule.doc, rule.severity, rule.confidence)
        for rule in rules
        if isinstance(rule, Rule)
    )
    match options.format:
        case "json":
            from checkseries.report.json import render_json

            return render_json(report)
        case "sarif":
            from checkseries.report.sarif import render_sarif

            return render_sarif(report, infos)
        case "terse":
            from checkseries.report.terse import render_terse

            return render_terse(report)
        case _:
            from checkseries.report.text import render_text

            return render_text(report, width=_width(), color=_color(options))


def _width() -> int:
    try:
        return max(
            40,
            min(
                int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(sys.stdout.fileno()).columns, 160
            ),
        )
    except (OSError, ValueError):
        return 80


def _color(options: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> bool:
    """--color, then NO_COLOR, then FORCE_COLOR, then whether a person is looking."""
    if options.color != "auto":
        return bool(options.color == "always")
    if environ.get("NO_COLOR") or options.output is not None:
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and environ.get("TERM") != "dumb"


def _write(options: argparse.Namespace, text: str) -> None:
    data = text.encode("utf-8", "backslashreplace")
    if options.output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        with open(options.output, "wb") as file:
            file.write(data)
    except OSError as error:
        raise InputError(f"--output {options.output}: {error.strerror}") from error


def _progress(what: str) -> None:
    """What is being done, on standard error, overwritten in place; only for a person."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}" if what else "\r\x1b[K")
        sys.stderr.flush()


# --- kconfig -----------------------------------------------------------------------------------------------


def _asked(options: argparse.Namespace, archs: Sequence[str]) -> tuple[Tree, tuple[str, ...], Snapshot]:
    """The tree that is asked by hand, the architectures, and the tree as a snapshot."""
    from checkseries.archs import archs_of

    tree = open_tree(_location(options), options.rev, worktree=options.worktree, book=_wordbook(options))
    snapshot = Snapshot.of(tree, options.toolchain, options.index)
    return tree, archs_of(tree, None, archs), snapshot


def _kconfig(options: argparse.Namespace) -> int:
    from checkseries.facts.selection import implications, selections
    from checkseries.model import SelectionTable
    from checkseries.report.json import render_tables_json
    from checkseries.report.text import render_tables

    if not options.symbol and not options.implies:
        raise UsageError("which symbols? Name some, without CONFIG_, or --implies A B")
    tree, archs, snapshot = _asked(options, options.arch)
    symbols = list(dict.fromkeys(name.removeprefix("CONFIG_") for name in options.symbol))
    _defined(snapshot, symbols + [word for pair in options.implies or () for word in _names(pair)])
    tables = []
    if symbols:
        tables.append(SelectionTable(f"selections in {tree.name}", selections(snapshot, archs, symbols)))
    for left, right in options.implies or ():
        tables.append(
            SelectionTable(
                f"{left} implies {right} in {tree.name}", implications(snapshot, archs, left, right)
            )
        )
    if options.format == "json":
        _write(options, render_tables_json(tables))
    else:
        _write(options, render_tables(tables, width=_width(), color=_color(options)))
    return CLEAN


def _kconfig_eval(options: argparse.Namespace) -> int:
    from checkseries.facts.kconfig import PROFILES, assigned
    from checkseries.facts.query import values
    from checkseries.report.json import render_query_json
    from checkseries.report.query import render_values

    if options.arch is None:
        raise UsageError("which architecture? Name one with --arch")
    _one_toolchain(options)
    tree, (arch,), snapshot = _asked(options, [options.arch])
    start, mode, lines = _start(options, arch, snapshot)
    found = values(snapshot, arch, assigned(lines.split("\n")), mode, start)
    if options.format == "json":
        _write(options, render_query_json([found], "eval", tree.name, PROFILES[options.toolchain].text))
    else:
        _write(options, render_values(found))
    return CLEAN


def _one_toolchain(options: argparse.Namespace) -> None:
    """Values are those of one toolchain; only proofs can be about any."""
    if options.toolchain == "any":
        raise UsageError("--toolchain any has no values of its own: name one of the others")


def _start(options: argparse.Namespace, arch: str, snapshot: Snapshot) -> tuple[str, Mode, str]:
    """(what a configuration starts from, how ``conf`` goes on, the lines of the file)."""
    if options.config is not None:
        return options.config, "olddefconfig", _config(options.config)
    if options.defconfig is not None:
        from checkseries.facts.query import default_config

        name = options.defconfig or default_config(snapshot, arch)
        if name is None:
            raise UsageError(f"--defconfig: which? The makefile of {arch} chooses among several")
        start = f"arch/{arch}/configs/{name}"
        text = None if "/" in name else snapshot.text(start)
        if text is None:
            raise UsageError(f"--defconfig {name}: the tree has no {start}")
        return start, "olddefconfig", text
    return options.mode, options.mode, ""


def _layout(options: argparse.Namespace) -> int:
    from checkseries.facts.kconfig import KconfigError, assigned
    from checkseries.facts.laid import laid, relaid
    from checkseries.facts.unit import configuration
    from checkseries.report.json import render_layouts_json, render_relaid_json
    from checkseries.report.layout import render_layouts, render_relaid
    from checkseries.source.series import read_series

    if options.arch is None:
        raise UsageError("which architecture? Name one with --arch")
    series = read_series([_source(each) for each in options.diff]) if options.diff else None
    _one_toolchain(options)
    tree, (arch,), snapshot = _asked(options, [options.arch])

    def found(snapshot: Snapshot) -> list[Laid]:
        start, mode, lines = _start(options, arch, snapshot)
        try:
            values = configuration(snapshot, arch, assigned(lines.split("\n")), mode, start)
        except KconfigError as error:
            raise InputError(str(error)) from error
        return [laid(snapshot, name, arch, values, options.unit or "") for name in options.type]

    if series is None:
        _held(options, snapshot)
        alone = found(snapshot)
        if options.format == "json":
            _write(options, render_layouts_json(alone, tree.name))
        else:
            _write(options, render_layouts(alone, tree.name, width=_width(), color=_color(options)))
        return FOUND if any(each.unknown for each in alone) else CLEAN
    before, after = _before_and_after(options, series, tree, arch)
    _held(options, before, after)
    pairs = [relaid(*each) for each in zip(found(before), found(after), strict=True)]
    if options.format == "json":
        _write(options, render_relaid_json(pairs, tree.name, series.name))
    else:
        _write(options, render_relaid(pairs, tree.name, series.name, width=_width(), color=_color(options)))
    return FOUND if any(each.unknown for each in pairs) else CLEAN


def _held(options: argparse.Namespace, *trees: Snapshot) -> None:
    """Raise UsageError if none of the trees has the file that types are asked of."""
    if options.unit and not any(each.exists(options.unit) for each in trees):
        raise UsageError(f"--in {options.unit}: the tree has no such file")


def _before_and_after(
    options: argparse.Namespace, series: Series, tree: Tree, arch: str
) -> tuple[Snapshot, Snapshot]:
    """The tree without a series and with all of it."""
    from checkseries.run import follow

    history, judged, _ = follow(series, tree, (arch,), options.toolchain, options.index)
    for each in judged:
        if each.status in (Status.DOES_NOT_APPLY, Status.NOT_JUDGED):
            raise InputError(f"--diff: patch {each.patch.number} does not apply: {each.reason}")
    return history.base, history.last


def _config(name: str) -> str:
    """The text of a ``.config`` outside of the tree, bounded as everything that is read."""
    try:
        with open(name, "rb") as file:
            data = file.read(_CONFIG_BYTES + 1)
    except OSError as error:
        raise InputError(f"--config {name}: {error.strerror}") from error
    if len(data) > _CONFIG_BYTES:
        raise InputError(f"--config {name}: larger than {_CONFIG_BYTES} bytes")
    return data.decode("utf-8", "surrogateescape")


def _kconfig_unmet(options: argparse.Namespace) -> int:
    from checkseries.facts.kconfig import PROFILES
    from checkseries.facts.query import sweep
    from checkseries.model import UnmetSweep
    from checkseries.report.json import render_query_json
    from checkseries.report.query import render_unmet
    from checkseries.workers import start

    tree, archs, snapshot = _asked(options, options.arch)
    _progress(f"asking {len(archs)} architectures")

    def swept(arch: str) -> UnmetSweep:
        try:
            with within(TOTAL_SECONDS):
                return sweep(snapshot, arch)
        except TooSlowError as error:
            return UnmetSweep(arch, 0, failure=str(error))

    sweeps = []
    index = options.index
    for arch, receive in start(
        archs, swept, _processes(options), (lambda *_: index.settle()) if index else None
    ):
        try:
            sweeps.append(receive.recv())
        except EOFError:  # killed, for want of memory most likely
            sweeps.append(UnmetSweep(arch, 0, failure="the process ended before it answered"))
    _progress("")
    if options.format == "json":
        _write(options, render_query_json(sweeps, "unmet", tree.name, PROFILES[options.toolchain].text))
    else:
        _write(
            options,
            render_unmet(
                sweeps, tree.name, PROFILES[options.toolchain].text, width=_width(), color=_color(options)
            ),
        )
    if any(each.failure for each in sweeps):
        return FAILED
    if any(each.unmet for each in sweeps):
        return FOUND
    return FAILED if any(each.unknown for each in sweeps) else CLEAN


def _kconfig_implies(options: argparse.Namespace) -> int:
    from checkseries.facts.selection import implications
    from checkseries.model import SelectionTable
    from checkseries.report.json import render_tables_json
    from checkseries.report.text import render_tables

    tree, archs, snapshot = _asked(options, options.arch)
    _defined(snapshot, _names([options.first, options.second]))
    pairs = [(options.first, options.second)]
    if options.equivalent:
        pairs.append((options.second, options.first))
    tables = [
        SelectionTable(f"{one} implies {other} in {tree.name}", implications(snapshot, archs, one, other))
        for one, other in pairs
    ]
    if options.format == "json":
        _write(options, render_tables_json(tables))
    else:
        _write(options, render_tables(tables, width=_width(), color=_color(options)))
    said = {row.holds for table in tables for row in table.rows}
    return FOUND if False in said else FAILED if None in said else CLEAN


def _kconfig_why(options: argparse.Namespace) -> int:
    from checkseries.facts.kconfig import PROFILES
    from checkseries.facts.query import why
    from checkseries.report.json import render_query_json
    from checkseries.report.query import render_why

    tree, archs, snapshot = _asked(options, options.arch)
    symbol = options.symbol.removeprefix("CONFIG_")
    _defined(snapshot, [symbol])
    reasons = [why(snapshot, arch, symbol) for arch in archs]
    if options.format == "json":
        _write(options, render_query_json(reasons, "why", tree.name, PROFILES[options.toolchain].text))
    else:
        _write(
            options,
            render_why(
                reasons, tree.name, PROFILES[options.toolchain].text, width=_width(), color=_color(options)
            ),
        )
    return CLEAN


def _names(expressions: Sequence[str]) -> list[str]:
    """The symbols of some expressions, without what is quoted, a number or a constant."""
    text = " ".join(re.sub(r"\"[^\"]*\"|'[^']*'", " ", each) for each in expressions)
    return [
        word for word in re.findall(r"\w+", text) if word not in ("y", "m", "n") and not word[0].isdigit()
    ]


def _defined(snapshot: Snapshot, names: Sequence[str]) -> None:
    """Raise UsageError for a name that no Kconfig file defines: a slip of the pen must not look like a proof."""
    from checkseries.facts.kconfig.lexical import definitions

    known = definitions(snapshot)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.8)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"no Kconfig file of {snapshot.name} defines {name!r}{hint}")


# --- rules -------------------------------------------------------------------------------------------------


def _rules_list(options: argparse.Namespace) -> int:
    from checkseries.judge.load import load, shipped

    rules = load([shipped(), *options.rules])
    widest = max(len(rule.id) for rule in rules)
    lines = [f"{rule.id:{widest}}  {rule.severity:7}  {rule.title}" for rule in rules]
    _write(options, "\n".join(lines) + "\n")
    return CLEAN


def _rules_show(options: argparse.Namespace) -> int:
    from checkseries.judge.load import load, shipped

    rules = {rule.id: rule for rule in load([shipped(), *options.rules])}
    if options.id not in rules:
        near = difflib.get_close_matches(options.id, rules, 1, 0.4)
        raise UsageError(f"there is no rule {options.id!r}" + (f"; did you mean {near[0]}?" if near else ""))
    rule = rules[options.id]
    head = f"{rule.id}  ({'contract' if rule.contract else 'rule'}, {rule.severity}, confidence {rule.confidence}, since {rule.since})"
    shown = [f"  {'finds' if each.finds else 'quiet'}: {each.title}" for each in rule.examples]
    _write(options, "\n".join([head, "", rule.doc, "", "Examples:", *shown]) + "\n")
    return CLEAN


def _rules_test(options: argparse.Namespace) -> int:
    from checkseries.example import failures
    from checkseries.judge.load import load_file

    status = CLEAN
    for path in options.file:
        if not os.path.isfile(path):
            raise UsageError(f"{path}: no such file")
        for rule in load_file(path):
            if not rule.examples:
                print(f"{rule.id}: no examples")
                status = FOUND
            for example in rule.examples:
                wrong = failures(rule, example)
                print(f"{rule.id}: {'ok' if not wrong else 'FAILED'}: {example.title}")
                for line in wrong:
                    print(f"    {line}")
                status = FOUND if wrong else status
    return status


# --- arguments ---------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """argparse, with one line and exit status 2 for what it does not understand."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    from rich_argparse import RichHelpFormatter

    parser = _Parser(
        prog="checkseries",
        description="What a Linux kernel patch series breaks, with proof, without a build.",
        epilog="Exit status: 0 nothing at or above --fail-on, 1 findings, 2 could not judge.",
        formatter_class=RichHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"checkseries {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: object, summary: str, description: str) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name, help=summary, description=description, formatter_class=RichHelpFormatter
        )
        made.set_defaults(run=run)
        return made

    check = command("check", _check, "judge a series from mails, patch files or git",
                    "Judge a series: apply it in memory, patch by patch, and report what each patch introduces.")  # fmt: skip
    check.add_argument("source", nargs="*", metavar="SOURCE",
                       help="mailbox (.mbox, .mbox.gz), maildir, .patch or .eml file, directory of them, or - for standard input")  # fmt: skip
    check.add_argument("--range", metavar="A..B", help="judge the commits of a git range instead")
    _tree_options(check)
    _judge_options(check)

    staged = command("staged", _staged, "judge what is staged in the index",
                     "Judge the staged change against HEAD, as a pre-commit hook does.")  # fmt: skip
    _tree_options(staged, revision=False)
    _judge_options(staged)

    push = command("push", _push, "judge what is about to be pushed",
                   "Judge the commits about to be pushed: reads PRE_COMMIT_FROM_REF and PRE_COMMIT_TO_REF,\n"
                   "else git's pre-push lines on standard input.")  # fmt: skip
    push.add_argument(
        "remote", nargs="?", default="origin", metavar="REMOTE", help="the remote pushed to (default: origin)"
    )
    push.add_argument("url", nargs="?", help=argparse.SUPPRESS)
    _tree_options(push, revision=False)
    _judge_options(push)

    kconfig = command("kconfig", _kconfig, "who selects a symbol, and can it be y, arch by arch",
                      "Show for each symbol and architecture who selects it when, and whether it can be y.")  # fmt: skip
    kconfig.add_argument(
        "symbol", nargs="*", metavar="SYMBOL", help="Kconfig symbols, with or without CONFIG_"
    )
    kconfig.add_argument("--implies", nargs=2, action="append", metavar=("A", "B"),
                         help="whether expression A implies expression B in every configuration")  # fmt: skip
    _tree_options(kconfig)
    _arch_option(kconfig)
    _toolchain_option(kconfig)
    _output_options(kconfig, ("text", "json"))

    _query_commands(command)

    lies = command("layout", _layout, "where the members of a type lie, on one arch and configuration",
                   "Show how large types are, where their members lie and where their holes are, without a build.\n"
                   "Exit status 1 if one is not known.")  # fmt: skip
    lies.add_argument("type", nargs="+", metavar="TYPE", help="a tag, a typedef, or 'struct foo'")
    lies.add_argument("--in", dest="unit", metavar="FILE",
                      help="as this file of the tree has it (default: the header that defines it)")  # fmt: skip
    lies.add_argument("--diff", action="append", metavar="SERIES",
                      help="before and after a series: a mailbox, patch files, or - for standard input; may be repeated")  # fmt: skip
    _start_options(lies)
    _tree_options(lies)
    _toolchain_option(lies)
    _output_options(lies, ("text", "json"))

    index = command("index", _index_tree, "read all words of a tree once, so that no series waits for a search",
                    "Read all words of a tree once, so that no series on it or on one close by waits for a search.\n"
                    "check does so by itself after a few searches.")  # fmt: skip
    _tree_options(index)
    _jobs_option(index)

    rules = command(
        "rules", None, "list, show or test rules and contracts", "List, show or test rules and contracts."
    )
    actions = rules.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = actions.add_parser(
        "list", help="all rules and contracts, a line each", formatter_class=RichHelpFormatter
    )
    listed.set_defaults(run=_rules_list)
    shown = actions.add_parser("show", help="one rule, whole", formatter_class=RichHelpFormatter)
    shown.add_argument("id", metavar="ID")
    shown.set_defaults(run=_rules_show)
    for each in (listed, shown):
        _rules_option(each)
        each.set_defaults(output=None)
    tested = actions.add_parser(
        "test", help="run the examples of rule files", formatter_class=RichHelpFormatter
    )
    tested.add_argument("file", nargs="+", metavar="FILE", help="a .toml file of contracts or a .py rule")
    tested.set_defaults(run=_rules_test)
    return parser


def _query_commands(command: Callable[[str, object, str, str], argparse.ArgumentParser]) -> None:
    """The commands behind ``kconfig``: each a question to the Kconfig of a whole tree."""
    evaluated = command("kconfig eval", _kconfig_eval, "the value of every symbol, as conf computes it",
                        "Print NAME=value for every symbol of an architecture, as conf would compute it.")  # fmt: skip
    _start_options(evaluated)

    unmet = command("kconfig unmet", _kconfig_unmet, "all selects whose target's dependencies can be unmet",
                    "List every select of the tree that can force on what its dependencies forbid. Exit status 1 if there is one.")  # fmt: skip
    _jobs_option(unmet)

    implies = command("kconfig implies", _kconfig_implies, "whether one expression implies another",
                      "Prove on each architecture that B holds wherever A does, or show where not. Exit status 1 if it is broken on one.")  # fmt: skip
    implies.add_argument("first", metavar="A", help="a Kconfig expression: HOTPLUG_PARALLEL && SMP")
    implies.add_argument("second", metavar="B", help="another one")
    implies.add_argument(
        "--equivalent", action="store_true", help="prove that A holds wherever B does as well"
    )

    why = command("kconfig why", _kconfig_why, "what makes a symbol y, or keeps it from that",
                  "Show on each architecture what has to be set for a symbol to be y, or what never lets it be.")  # fmt: skip
    why.add_argument("symbol", metavar="SYMBOL", help="a Kconfig symbol, with or without CONFIG_")

    for each in (evaluated, unmet, implies, why):
        _tree_options(each)
        if each is not evaluated:
            _arch_option(each)
        _toolchain_option(each)
        _output_options(each, ("text", "json"))


def _start_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arch", metavar="ARCH", help="the architecture")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--config", metavar="FILE", help="start from a .config, as olddefconfig does")
    start.add_argument("--defconfig", metavar="NAME", nargs="?", const="",
                       help="start from a file below arch/ARCH/configs (default: what make defconfig takes)")  # fmt: skip
    for mode in ("allnoconfig", "allyesconfig", "allmodconfig", "alldefconfig"):
        start.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode,
                           help="the default" if mode == "alldefconfig" else None)  # fmt: skip
    parser.set_defaults(mode="alldefconfig")


def _tree_options(parser: argparse.ArgumentParser, *, revision: bool = True) -> None:
    group = parser.add_argument_group("the tree")
    group.add_argument(
        "--tree",
        metavar="PATH",
        help="kernel tree: git work tree, bare repository or plain directory (default: the one around here)",
    )
    if revision:
        group.add_argument("--rev", metavar="REV", help="revision to apply the series to (default: HEAD)")
        group.add_argument(
            "--worktree", action="store_true", help="read the tracked files as they lie, not as HEAD has them"
        )
    else:
        parser.set_defaults(rev=None, worktree=False)
    group.add_argument(
        "--no-cache",
        dest="cache",
        action="store_false",
        help="remember nothing of the tree between runs (else in $XDG_CACHE_HOME/checkseries)",
    )


def _judge_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("judging")
    _arch_option(group)
    _toolchain_option(group)
    _rules_option(group)
    group.add_argument("--fail-on", choices=("error", "warning", "note", "never"), default="warning",
                       help="least severity that makes the exit status 1 (default: warning)")  # fmt: skip
    _jobs_option(group)
    _output_options(parser, _FORMATS)


def _jobs_option(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--jobs", type=_jobs, default=0, metavar="N", help="processes to use (default: one a core, 4 at most)"
    )


def _jobs(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 64")
    return int(text)


def _arch_option(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--arch", action="append", default=[], metavar="ARCH",
                        help="architecture to judge for, may be repeated (default: arm64, mips, riscv, x86 and those the series touches)")  # fmt: skip


def _toolchain_option(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--toolchain", choices=_TOOLCHAINS, default="gcc",
                        help="what Kconfig is told of the compiler; nothing is started; any leaves its answers open (default: gcc)")  # fmt: skip


def _rules_option(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--rules", action="append", default=[], metavar="DIR",
                        help="further rules and contracts; Python rules in it are run (never taken from the tree)")  # fmt: skip


def _output_options(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--format", choices=formats, default="text", help="default: text")
    group.add_argument("--output", metavar="FILE", help="write there instead of to standard output")
    group.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="default: auto, which honours NO_COLOR",
    )


if __name__ == "__main__":
    sys.exit(main())
