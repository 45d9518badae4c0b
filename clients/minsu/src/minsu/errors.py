"""What a command may fail with; the command line shows it as one line and exits with 1."""


class CommandFailed(Exception):
    """`hint` says how to go on, where we know."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Refused(CommandFailed):
    """A problem (RFC 9457) that the API answered."""

    def __init__(self, message: str, *, status: int, slug: str) -> None:
        super().__init__(message)
        self.status, self.slug = status, slug
