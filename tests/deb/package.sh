#!/bin/bash
# SPDX-License-Identifier: MIT
# The Debian packages: built of what is committed, looked at by lintian, installed and removed in a root of their own.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../lib.sh"

deb=$TOP/build/deb
export DEBIAN_FRONTEND=noninteractive

# dpkg in an empty system: what the packages need is that of the host, which scripts/deps has seen to.
in_root() {
	dpkg --root="$PWD/root" --force-depends --force-script-chrootless --log=/dev/null "$@"
}

empty_root() {
	mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates
	: >root/var/lib/dpkg/status
	: >root/var/lib/dpkg/available
}

t_packages_are_built_of_what_is_committed() {
	make -s -C "$TOP" deb >log 2>&1 || {
		tail -n 30 log
		return 1
	}
	ls "$deb"/skt_*.deb "$deb"/libskt0_*.deb "$deb"/libskt-dev_*.deb
}

t_lintian_finds_no_error() {
	lintian --allow-root --fail-on error "$deb"/*.changes
}

t_they_are_installed_and_what_they_bring_works() {
	local tool

	empty_root
	in_root -i "$deb"/skt_*.deb "$deb"/libskt0_*.deb "$deb"/libskt-dev_*.deb
	for tool in sockrec sockdiff sockreplay sockquery; do
		"root/usr/bin/$tool" --version | grep -q "^$tool "
		[ -s "root/usr/share/man/man1/$tool.1.gz" ]
	done
	root/usr/bin/sockrec --proc="$TOP/fixtures/proc/kinds" -n 1 -o kinds.skt
	root/usr/bin/sockquery kinds.skt | grep -q udplite6
	[ -s root/lib/systemd/system/sockrec.service ]
	# nobody has asked for it yet
	[ -z "$(find root -path '*/etc/*' -name 'sockrec*')" ]
}

t_they_are_removed_without_a_trace() {
	empty_root
	in_root -i "$deb"/skt_*.deb "$deb"/libskt0_*.deb "$deb"/libskt-dev_*.deb
	in_root --purge skt libskt-dev libskt0
	[ -z "$(find root -path root/var/lib/dpkg -prune -o ! -type d -print)" ]
}

[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP dpkg wants root"; exit 0; }
run_tests
