"""A program like those that open files, which does what a file could make them do: ``python -m`` this."""

import os
import signal
import sys
import time

from checkout.intake import program_limits
from checkout.intake.program_limits import Status


def judge(content, target):
    """As the file says."""
    if content == b"loop":
        while True:
            pass
    elif content == b"sleep":
        time.sleep(600)
    elif content == b"allocate":
        target.write(bytes(program_limits.ROOM))
    elif content == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif content == b"raise":
        raise KeyError
    elif content == b"tell":
        target.write(" ".join(os.environ).encode())
    return Status.DONE


if __name__ == "__main__":
    program_limits.MAX_CPU_SECONDS = 1
    if sys.argv[1:] == ["broken"]:
        raise ImportError
    sys.exit(program_limits.serve(judge))
