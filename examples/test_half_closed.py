# SPDX-License-Identifier: MIT
"""Is half_closed.py right about what was recorded? An instant of the recording for each case.

    sockrec --trees=fixtures/trees/hands -o hands.skt
    RECORDING=hands.skt python3 -m unittest discover examples
"""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def at(time):
    """What the program says on the tree of that instant."""
    command = ["sockreplay", "%s@%s" % (os.environ["RECORDING"], time), "--", sys.executable, HERE + "/half_closed.py"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


class HalfClosed(unittest.TestCase):
    def test_an_established_connection_is_not_half_closed(self):
        self.assertEqual(at("14:03:10"), "")

    def test_one_whose_peer_has_gone_is(self):
        self.assertEqual(at("14:03:11"), "nginx 721 1\n")

    def test_one_that_was_closed_at_last_is_no_more(self):
        self.assertEqual(at("14:03:12"), "")


if __name__ == "__main__":
    unittest.main()
