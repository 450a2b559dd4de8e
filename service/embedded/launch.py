"""Become the given program, which the kernel ends (SIGTERM) when the process that asked for it dies.

Run as a script: ``python -I -S launch.py <pid of the owner> <program> <argument>...``. A ``preexec_fn``
would do the same but is unsafe in a process with threads.
"""

import os
import sys


def main(owner: int, argv: list[str]) -> None:
    """Replace this process by ``argv``; exits with 126 and one line if that cannot be done."""
    if sys.platform == "linux":
        import ctypes
        import signal

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
        if os.getppid() != owner:  # it died before the line above
            sys.exit(126)
    try:
        os.execv(argv[0], argv)  # noqa: S606 - the program is our own mongod, no shell is meant
    except OSError as error:
        print(f"{argv[0]} cannot be run: {error.strerror}", file=sys.stderr)
        sys.exit(126)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
