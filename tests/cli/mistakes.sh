#!/bin/bash
# SPDX-License-Identifier: MIT
# What people mistype, and what they are told then: one line, which says what to do.
. "$(dirname "$0")/../lib.sh"

sockrec -q --trees="$TOP/fixtures/trees/hands" -o hands.skt || { echo "Bail out! no recording"; exit 1; }

t_a_zone_of_the_host_that_is_not_known_here_is_told_with_the_file() {
	TZ=Nowhere/Land sockrec -q -n 1 -o zone.skt
	exits 2 sockquery --tz=host zone.skt
	is_empty out
	has err "sockquery: zone.skt: the zone of the recorded host is 'Nowhere/Land', which this machine does not know: name another (--tz)"
	[ "$(wc -l <err)" = 1 ]
}

t_a_machine_without_zones_says_so() {
	unshare --mount --map-root-user true 2>unshare.err || skip "no mount namespaces: $(cat unshare.err)"
	[ -d /usr/share/zoneinfo ] || skip "no zones here"
	exits 2 unshare --mount --map-root-user sh -c 'mount -t tmpfs none /usr/share && exec "$@"' sh sockquery --tz=Europe/Berlin ../hands.skt
	has err "--tz: 'Europe/Berlin': without /usr/share/zoneinfo only UTC and TZ strings such as CET-1CEST are known"
	exits 0 unshare --mount --map-root-user sh -c 'mount -t tmpfs none /usr/share && exec "$@"' sh sockquery --tz=CET-1 ../hands.skt
	has out '+01:00, snapshot'
}

run_tests
