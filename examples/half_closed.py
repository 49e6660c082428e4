# SPDX-License-Identifier: MIT
"""Which processes leave connections half closed (CLOSE_WAIT): their peers have gone, and they do not notice.

As a program it prints them, of this host or of whatever SKT_PROC names:

    sockreplay hands.skt@14:03:11 -- python3 examples/half_closed.py
"""
import collections
import os

import psutil

psutil.PROCFS_PATH = os.environ.get("SKT_PROC", psutil.PROCFS_PATH)


def half_closed():
    """How many such connections each process has: {(name, pid): n}."""
    found = collections.Counter()
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status == psutil.CONN_CLOSE_WAIT and connection.pid:
            found[psutil.Process(connection.pid).name(), connection.pid] += 1
    return found


if __name__ == "__main__":
    for (name, pid), n in half_closed().most_common():
        print(name, pid, n)
