"""The errors that a user can meet: each message says what, where and what to do."""


class CheckseriesError(Exception):
    """Something that cannot be judged; the run ends with exit status 2 and this one line."""


class UsageError(CheckseriesError):
    """The command line asks for what cannot be."""


class InputError(CheckseriesError):
    """The series cannot be read: no such file, no patch in it, a diff that is not one."""


class TreeError(CheckseriesError):
    """The kernel tree cannot be read: no such directory, revision or object."""


class RuleError(CheckseriesError):
    """A rule file or a contract is not well formed."""
