"""Errors whose message is shown to the user without a traceback."""


class StackError(Exception):
    """The message says what is wrong and what to do; it is shown without a traceback."""


class PartDied(StackError):
    """A process ended while it should run."""

    def __init__(self, name: str, how: str, tail: str) -> None:
        super().__init__(f"{name} {how}; its last lines:\n{tail}")
        self.name = name
