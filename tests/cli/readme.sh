#!/bin/sh
# SPDX-License-Identifier: MIT
# What README.md shows of the trees in fixtures/ is what the tools print.
top=$(cd "$(dirname "$0")/../.." && pwd)
exec "$top/tests/docs.py" "$top/README.md"
