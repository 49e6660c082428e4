#!/bin/sh
# SPDX-License-Identifier: MIT
# What docs/guide.md shows is what the tools print.
top=$(cd "$(dirname "$0")/../.." && pwd)
exec "$top/tests/docs.py" "$top/docs/guide.md"
