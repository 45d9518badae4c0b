"""What ends our programs, however they were started. Standard library only."""

from __future__ import annotations

import signal


def interrupt() -> None:
    """From here on SIGTERM and SIGHUP interrupt like Ctrl-C (KeyboardInterrupt), and SIGINT does so in the background job
    of a script too, which ignores it from its start. Under `nohup`, SIGHUP stays ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
