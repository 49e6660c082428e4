#!/bin/bash
# SPDX-License-Identifier: MIT
# tap: alone, for should it have to build, it builds what all others run
# What `make install` leaves, and what a program outside this tree can do with it.
. "$(dirname "$0")/../lib.sh"

# A program of another build has no sanitizer to link with, and make gives its variables to all that it starts.
[ "${VARIANT-plain}" = plain ] || { echo "1..0 # SKIP of the plain build, not of $VARIANT"; exit; }

# Installed as a packager would. The objects are those of the plain build, which `make check` has made: with its flags
# (DEVELOPER, CFLAGS), which stand in the environment, for with others make would build all of them anew.
root=$TMPDIR/root
install_it() {
	[ -e "$root" ] || env -u MAKEFLAGS -u MAKELEVEL make -s -C "$TOP" install DESTDIR="$root" PREFIX=/usr >"$TMPDIR/install.log" 2>&1 || {
		cat "$TMPDIR/install.log"
		return 1
	}
	export PKG_CONFIG_PATH=$root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
	lib=$root/usr/lib
}

t_the_shared_library_exports_what_the_headers_declare_and_nothing_else() {
	install_it
	nm -D --defined-only "$lib/libskt.so" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >exported
	# the compiler says what they declare
	for h in "$root"/usr/include/skt/*.h; do echo "#include \"$h\""; done >all.c
	"${CC:-cc}" -D_GNU_SOURCE -I"$root/usr/include" -fsyntax-only -aux-info all.x all.c
	grep '/include/skt/' all.x | grep -v static | grep -o 'skt_[a-z0-9_]* (' | tr -d ' (' | sort -u >declared
	[ "$(wc -l <declared)" -gt 100 ]
	diff declared exported
}

t_a_program_is_built_and_runs_with_what_pkg_config_says() {
	install_it
	sockrec --trees="$TOP/fixtures/trees/hands" -o hands.skt 2>/dev/null
	# shellcheck disable=SC2046 # words
	"${CC:-cc}" -std=c11 -Wall -Wextra -Werror -o listeners "$TOP/examples/listeners.c" $(pkg-config --cflags --libs skt)
	readelf -d listeners | grep -q 'NEEDED.*libskt\.so\.0\]'
	LD_LIBRARY_PATH=$lib ./listeners hands.skt >out
	# nginx listens from the first tree on, and on another port in the last: see fixtures/trees/hands
	diff - out <<-'END'
		2026-11-22T14:03:07.000000000Z + tcp 0.0.0.0 80 720 nginx
		2026-11-22T14:03:14.000000000Z - tcp 0.0.0.0 80 720 nginx
		2026-11-22T14:03:14.000000000Z + tcp 0.0.0.0 8080 720 nginx
	END
}

t_a_program_is_linked_statically_with_what_pkg_config_says() {
	install_it
	"$TOP/scripts/deps" --has static || skip "no static libraries here"
	# shellcheck disable=SC2046 # words
	"${CC:-cc}" -static -o listeners "$TOP/examples/listeners.c" $(pkg-config --static --cflags --libs skt)
	sockrec --trees="$TOP/fixtures/trees/hands" -o hands.skt 2>/dev/null
	./listeners hands.skt | grep -q 'tcp 0.0.0.0 80'
}

t_examples_run_where_they_are_installed() {
	install_it
	sockrec --trees="$TOP/fixtures/trees/hands" -o hands.skt
	exits 0 sockreplay hands.skt@first -- "$root/usr/share/doc/skt/examples/check-port" 80
	has out 'OK: port 80: "nginx",pid=720'
}

t_papers_lead_to_each_other_where_they_are_installed() {
	install_it
	export TOP
	# what changes or builds the tree is read in it
	python "$root/usr/share/doc/skt" <<'END'
source = re.compile(r"docs/man/|dist/|docs/testing\.md$|HACKING\.md$|CONTRIBUTING\.md$")
root, seen = sys.argv[1], 0
for folder, _, names in os.walk(root):
    for name in names:
        if not name.endswith(".md"):
            continue
        for link in re.findall(r"\]\(([^)#:\s]+)\)", read(os.path.join(folder, name)).decode()):
            path = os.path.relpath(os.path.join(folder, link), root)
            assert os.path.exists(os.path.join(os.environ["TOP"], path)), (name, link)
            assert os.path.exists(os.path.join(root, path)) or source.match(path), (name, link)
            seen += 1
assert seen > 20, seen
END
}

t_the_guide_can_be_followed_where_it_is_installed() {
	local command

	install_it
	command=$(grep -m 1 '^\$ mkdir' "$root/usr/share/doc/skt/docs/guide.md" | sed "s|^. ||; s|/tmp/guide|$PWD/guide|g")
	has <(echo "$command") "cd $PWD/guide"
	(cd "$root/usr/share/doc/skt" && eval "$command" && sockquery beacon.skt 'dst 203.0.113.66' && ls examples) >out
	has out kworker half_closed.py
}

t_the_tools_pages_completions_and_unit_are_where_they_are_looked_for() {
	install_it
	for tool in sockrec sockdiff sockreplay sockquery; do
		"$root/usr/bin/$tool" --version | grep -q "^$tool "
		[ -s "$root/usr/share/man/man1/$tool.1" ]
		grep -q "complete .*$tool" "$root/usr/share/bash-completion/completions/$tool"
	done
	[ -s "$root/usr/share/man/man5/skt.5" ]
	[ -s "$root/usr/share/man/man7/skt-filter.7" ]
	grep -q '^ExecStart=/usr/bin/sockrec ' "$root/usr/lib/systemd/system/sockrec.service"
}

t_systemd_understands_the_unit() {
	install_it
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	sed "s|^ExecStart=/|ExecStart=$root/|" "$root/usr/lib/systemd/system/sockrec.service" >sockrec.service
	exits 0 systemd-analyze --man=no verify ./sockrec.service
	is_empty out err
	# and says what it does not
	echo 'ProtectEverything=yes' >>sockrec.service
	systemd-analyze --man=no verify ./sockrec.service >out 2>&1 || :
	has out ProtectEverything
}

t_nothing_of_the_place_it_was_built_in_is_installed() {
	install_it
	! grep -rlF "$root" "$root" || false
}

t_uninstall_leaves_nothing() {
	install_it
	cp -a "$root" "$TMPDIR/copy"
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$TOP" uninstall DESTDIR="$TMPDIR/copy" PREFIX=/usr
	[ -z "$(find "$TMPDIR/copy" ! -type d)" ]
	[ ! -e "$TMPDIR/copy/usr/include/skt" ]
	[ ! -e "$TMPDIR/copy/usr/share/doc/skt" ]
}

t_what_is_committed_is_packed_and_nothing_where_there_is_no_checkout() {
	local target

	command -v git >/dev/null || skip "no git"
	cp "$TOP/Makefile" .
	for target in dist deb; do
		GIT_CEILING_DIRECTORIES=$TMPDIR exits 2 env -u MAKEFLAGS -u MAKELEVEL make $target
		has err 'to pack what is committed takes git and a checkout'
		[ ! -e build ]
	done
	mkdir lib
	echo 'int one;' >lib/one.c
	git init -q . && git add Makefile lib && git -c user.name=x -c user.email=x@example.org commit -qm x
	echo 'int two;' >lib/two.c
	exits 0 env -u MAKEFLAGS -u MAKELEVEL make dist
	tar -tzf build/skt-*.tar.gz | sed 's|^skt-[0-9.]*/||' | grep -v '/$' | sort >packed
	diff <(printf '%s\n' Makefile lib/one.c) <(grep . packed)
}

run_tests
