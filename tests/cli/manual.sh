#!/bin/sh
# SPDX-License-Identifier: MIT
# What the man pages give as examples is understood, and finds what it is about.
top=$(cd "$(dirname "$0")/../.." && pwd)
exec "$top/tests/docs.py" "$top"/docs/man/*.[17]
