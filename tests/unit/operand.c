/* SPDX-License-Identifier: MIT */
#include <skt/record.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* How REC@TIME is split, with a disk that holds exactly what is listed. */

struct disk {
	const char *const *paths;
	unsigned asked;
};

static bool exists(const char *path, size_t len, void *data)
{
	struct disk *disk = data;

	disk->asked++;
	for (const char *const *have = disk->paths; *have; have++)
		if (strlen(*have) == len && !memcmp(*have, path, len))
			return true;
	return false;
}

/* Expects the path and the TIME (NULL: none). */
static void check(const char *operand, const char *const *paths, const char *path, const char *time)
{
	struct disk disk = { .paths = paths };
	const char *got;
	size_t len = skt_operand_split(operand, exists, &disk, &got);

	if (len != strlen(path) || strncmp(operand, path, len))
		fail_msg("'%s': path '%.*s', not '%s'", operand, (int)len, operand, path);
	if (!time != !got || (time && strcmp(time, got)))
		fail_msg("'%s': time '%s', not '%s'", operand, got ? got : "(none)", time ? time : "(none)");
	/* a TIME ends the operand */
	if (got)
		assert_ptr_equal(got + strlen(got), operand + strlen(operand));
}

#define DISK(...)                 \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

static void a_name_that_exists_is_a_path(void **state)
{
	(void)state;
	check("x.skt", DISK("x.skt"), "x.skt", NULL);
	check("x@last", DISK("x@last"), "x@last", NULL);
	/* even if it could be split */
	check("x@last", DISK("x@last", "x"), "x@last", NULL);
	check("x@last@first", DISK("x@last@first", "x@last", "x"), "x@last@first", NULL);
	check("-", DISK("-"), "-", NULL);
}

static void what_does_not_exist_is_split_at_a_time(void **state)
{
	(void)state;
	check("x.skt@last", DISK("x.skt"), "x.skt", "last");
	check("x.skt@first", DISK("x.skt"), "x.skt", "first");
	check("x.skt@#17", DISK("x.skt"), "x.skt", "#17");
	check("x.skt@+90s", DISK("x.skt"), "x.skt", "+90s");
	check("x.skt@-1m30s", DISK("x.skt"), "x.skt", "-1m30s");
	check("x.skt@14:03", DISK("x.skt"), "x.skt", "14:03");
	check("x.skt@14:03:07.5", DISK("x.skt"), "x.skt", "14:03:07.5");
	check("x.skt@2026-11-22T14:03:07Z", DISK("x.skt"), "x.skt", "2026-11-22T14:03:07Z");
	check("x.skt@2026-11-22 14:03", DISK("x.skt"), "x.skt", "2026-11-22 14:03");
	check("x.skt@1795356187.5", DISK("x.skt"), "x.skt", "1795356187.5");
	check("x.skt@2h ago", DISK("x.skt"), "x.skt", "2h ago");
	check("x.skt@yesterday", DISK("x.skt"), "x.skt", "yesterday");
}

static void names_may_hold_the_sign(void **state)
{
	(void)state;
	check("me@host.skt", DISK("me@host.skt"), "me@host.skt", NULL);
	check("me@host.skt@last", DISK("me@host.skt"), "me@host.skt", "last");
	check("a@b@c@#1", DISK("a@b@c"), "a@b@c", "#1");
	check("@@first", DISK("@"), "@", "first");
	check("@last@first", DISK("@last"), "@last", "first");
	/* the right side of the last sign is no TIME, so it belongs to the name */
	check("x@last@b", DISK("x"), "x@last@b", NULL);
	/* the last sign at which both sides are right */
	check("x@first@last", DISK("x", "x@first"), "x@first", "last");
	/* first@last is no TIME, so there is nothing to split at */
	check("x@first@last", DISK("x"), "x@first@last", NULL);
}

static void directories_may_hold_it_too(void **state)
{
	(void)state;
	check("day@2026-11-22/x.skt@last", DISK("day@2026-11-22/x.skt"), "day@2026-11-22/x.skt", "last");
	check("day@2026-11-22/x.skt", DISK("day@2026-11-22", "day"), "day@2026-11-22/x.skt", NULL);
	check("dir@2026-11-22", DISK("dir"), "dir", "2026-11-22");
	check("dir/@14:03", DISK("dir/"), "dir/", "14:03");
	check("/rec/@14:03/x@now", DISK("/rec/@14:03/x"), "/rec/@14:03/x", "now");
}

static void a_pipe_has_times_too(void **state)
{
	(void)state;
	check("-@#1", DISK("-"), "-", "#1");
	check("-@last", DISK("-"), "-", "last");
	check("-@", DISK("-"), "-@", NULL);
}

static void nothing_is_split_without_both_sides(void **state)
{
	(void)state;
	check("x@last", DISK("y"), "x@last", NULL);
	check("x@", DISK("x"), "x@", NULL);
	check("x@lastly", DISK("x"), "x@lastly", NULL);
	check("x@LAST", DISK("x"), "x@LAST", NULL);
	check("@last", DISK("x"), "@last", NULL);
	check("@", DISK("x"), "@", NULL);
	check("", DISK("x"), "", NULL);
	check("x@#0", DISK("x"), "x@#0", NULL);
	check("x@25:00", DISK("x"), "x@25:00", NULL);
}

/* Of many signs, only those that could be it are looked for on the disk. */
static void the_disk_is_asked_no_more_than_needed(void **state)
{
	struct disk disk = { .paths = DISK("no") };
	char operand[2001];
	const char *time;

	(void)state;
	memset(operand, '@', sizeof(operand) - 1);
	operand[sizeof(operand) - 1] = '\0';
	assert_int_equal(skt_operand_split(operand, exists, &disk, &time), sizeof(operand) - 1);
	assert_null(time);
	assert_int_equal(disk.asked, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_exists_is_a_path),
		cmocka_unit_test(what_does_not_exist_is_split_at_a_time),
		cmocka_unit_test(names_may_hold_the_sign),
		cmocka_unit_test(directories_may_hold_it_too),
		cmocka_unit_test(a_pipe_has_times_too),
		cmocka_unit_test(nothing_is_split_without_both_sides),
		cmocka_unit_test(the_disk_is_asked_no_more_than_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
