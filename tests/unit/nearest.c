/* SPDX-License-Identifier: MIT */
#include <skt/nearest.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * Expectations are made by hand. That fields and options are offered is in shape.c, filter.c and tests/cli/mistakes.sh.
 */

#define LETTERS_32 "abcdefghijklmnopqrstuvwxyzabcdef"

/* Of these names (the last is NULL) those near to what was written. */
static void near(const char *written, const char *const *names, const char *before, const char *wanted)
{
	struct skt_nearest nearest;
	char room[SKT_NEAREST_ROOM];

	skt_nearest_begin(&nearest, written, strlen(written));
	for (; *names; names++)
		skt_nearest_offer(&nearest, *names);
	assert_string_equal(skt_nearest_text(&nearest, before, room), wanted);
}

static void the_nearest_three_are_told_nearest_first(void **state)
{
	/*
	 * formats has all of it; of formal one letter is another, of formic two, of farmer three, and for lacks three
	 */
	const char *const names[] = { "formic", "formats", "for", "formal", "farmer", NULL };

	(void)state;
	near("format", names, "", "; nearest: formats, formal, formic");
}

static void of_those_as_near_the_first_that_was_offered_comes_first(void **state)
{
	const char *const names[] = { "dst", "dtd", "dta", "dtb", NULL };
	const char *const others[] = { "dtb", "dta", "dtd", "dst", NULL };

	(void)state;
	near("dts", names, "", "; nearest: dtd, dta, dtb");
	near("dts", others, "", "; nearest: dtb, dta, dtd");
}

static void each_has_before_it_what_is_to_stand_there(void **state)
{
	const char *const names[] = { "forms", "form", NULL };

	(void)state;
	near("fork", names, "--", "; nearest: --form, --forms");
}

static void none_is_near_nothing(void **state)
{
	const char *const names[] = { "a", "", NULL };

	(void)state;
	near("", names, "", "");
}

static void a_name_of_more_letters_than_32_is_near_to_none_and_none_to_it(void **state)
{
	const char *const whole[] = { LETTERS_32, NULL }, *const longer[] = { LETTERS_32 "g", NULL };

	(void)state;
	near(LETTERS_32, whole, "", "; nearest: " LETTERS_32);
	near("x" LETTERS_32, whole, "", "");
	near(LETTERS_32, longer, "", "");
}

static void three_of_the_longest_have_room(void **state)
{
	const char *const names[] = { LETTERS_32, LETTERS_32, LETTERS_32, NULL };

	(void)state;
	near("abcdef", names, "--", "; nearest: --" LETTERS_32 ", --" LETTERS_32 ", --" LETTERS_32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_three_are_told_nearest_first),
		cmocka_unit_test(of_those_as_near_the_first_that_was_offered_comes_first),
		cmocka_unit_test(each_has_before_it_what_is_to_stand_there),
		cmocka_unit_test(none_is_near_nothing),
		cmocka_unit_test(a_name_of_more_letters_than_32_is_near_to_none_and_none_to_it),
		cmocka_unit_test(three_of_the_longest_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
