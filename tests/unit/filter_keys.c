/* SPDX-License-Identifier: MIT */
#include "filter_of.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Which keys an expression asks for. */

static void only_what_every_row_has_that_is_meant_is_a_key(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		bool owners;
	} cases[] = {
		{ "dst 10.0.0.9", 1, false },
		{ "dst 10.0.0.9/32:443", 1, false },
		{ "dst [::ffff:10.0.0.9]", 1, false },
		{ "dst 10.0.0.0/24", 0, false },
		{ "dst 10.0.0.0/24:443", 1, false }, /* the port */
		{ "dst 0.0.0.0", 0, false },
		{ "src 10.0.0.9", 0, false },
		{ "src 10.0.0.9:22", 1, false },
		{ "sport = :22", 1, false },
		{ "sport >= :22", 0, false },
		{ "sport != :22", 0, false },
		{ "sport = :32767", 1, false },
		{ "sport = :32768", 0, false },
		{ "remote_port in (1, 2, 3)", 3, false },
		{ "remote_port in (1, 2, 40000)", 0, false },
		{ "pid in (1, 2)", 2, true },
		{ "pid = 4294967296", 0, false },
		{ "pid = -1", 0, false },
		{ "pid > 1", 0, false },
		{ "comm = nginx", 1, true },
		{ "comm ~ nginx", 0, false },
		{ "not comm = nginx", 0, false },
		{ "not (not pid = 1)", 0, false },
		{ "pid in (1, 2) and dport = :443", 1, false },
		{ "pid = 1 and dport = :443", 1, false },
		{ "pid = 1 and uid = 0", 1, true },
		{ "pid = 1 or dport = :443", 2, true },
		{ "pid = 1 or uid = 0", 0, false },
		{ "(pid = 1 or pid = 2) and (dport = :1 or uid = 0)", 2, true },
		{ "uid = 0 or pid = 1 and dport = :443", 1, false }, /* from left to right */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct skt_filter *filter = filter_of(cases[i].text);
		struct skt_key keys[SKT_FILTER_KEYS];
		unsigned doubts;
		size_t n = skt_filter_keys(filter, keys, &doubts);

		if (n != cases[i].n || (n && !(doubts & SKT_DOUBT_OWNERS) != !cases[i].owners))
			fail_msg("%s: %zu keys, doubts %u", cases[i].text, n, doubts);
		assert_true(doubts & SKT_DOUBT_TABLES);
		skt_filter_free(filter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_every_row_has_that_is_meant_is_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
