# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For tests of sockreplay, after tests/lib.sh: a recording made by hand in $h, and a place for trees that is looked through.

hands=$TOP/fixtures/trees/hands
sockrec --trees="$hands" -o h.skt 2>/dev/null || { echo "Bail out! no recording"; exit 1; }
h=$TMPDIR/h.skt

# Trees are made where this test can see what is left of them: replay ARGUMENT...
mkdir tmp bin
tmp=$TMPDIR/tmp
cat >bin/replay <<END
#!/bin/sh
TMPDIR=$tmp exec sockreplay "\$@"
END
chmod +x bin/replay
PATH=$TMPDIR/bin:$PATH

# nothing_left: neither trees nor links to them.
nothing_left() {
	[ -z "$(find "$tmp" . -name '.sockreplay-*' -o -name moving)" ] || {
		find "$tmp" . -name '.sockreplay-*' -o -name moving
		return 1
	}
}
