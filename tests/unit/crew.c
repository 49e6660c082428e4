/* SPDX-License-Identifier: MIT */
/* Work in any order by many hands: all of it, each part once, and what they wrote is there to be read. */
#include "proc/crew.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST 1000

struct done {
	unsigned times[MOST];
	unsigned hand[MOST];
	unsigned by[CREW_MAX];
};

/* Each hand counts for itself: a number that two of them do is counted twice, or is a race that a sanitizer sees. */
static void count(void *data, size_t i, unsigned hand)
{
	struct done *done = data;

	done->times[i]++;
	done->hand[i] = hand;
	done->by[hand]++;
}

static void check_all_done_once(struct crew *crew, size_t n)
{
	static struct done done;
	unsigned by = 0;

	memset(&done, 0, sizeof(done));
	crew_do(crew, n, count, &done);
	for (size_t i = 0; i < MOST; i++) {
		assert_int_equal(done.times[i], i < n);
		assert_in_range(done.hand[i], 0, crew_hands(crew) - 1);
	}
	for (unsigned hand = 0; hand < CREW_MAX; hand++)
		by += done.by[hand];
	assert_int_equal(by, n);
}

static void all_is_done_once_whatever_the_number_of_hands(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 100, MOST };

	(void)state;
	for (unsigned hands = 0; hands <= CREW_MAX + 1; hands++) {
		struct crew *crew;

		assert_int_equal(crew_new(hands, &crew), 0);
		assert_int_equal(crew_hands(crew), hands < 1 ? 1 : hands > CREW_MAX ? CREW_MAX : hands);
		for (int round = 0; round < 200; round++)
			check_all_done_once(crew, sizes[round % 6]);
		crew_free(crew);
	}
}

static void a_crew_that_did_nothing_ends(void **state)
{
	struct crew *crew;

	(void)state;
	assert_int_equal(crew_new(CREW_MAX, &crew), 0);
	crew_free(crew);
	crew_free(NULL);
}

static volatile sig_atomic_t told;

static void tell(int signal)
{
	(void)signal;
	told++;
}

/* The caller has blocked it, so nobody else may take it. */
static void hands_take_no_signals(void **state)
{
	struct crew *crew;
	sigset_t set, pending;

	(void)state;
	assert_int_equal(crew_new(CREW_MAX, &crew), 0);
	signal(SIGUSR1, tell);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	for (int round = 0; round < 100; round++)
		check_all_done_once(crew, MOST);
	assert_int_equal(told, 0);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	assert_int_equal(told, 1);
	crew_free(crew);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_done_once_whatever_the_number_of_hands),
		cmocka_unit_test(a_crew_that_did_nothing_ends),
		cmocka_unit_test(hands_take_no_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
