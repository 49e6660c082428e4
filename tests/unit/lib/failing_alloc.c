/* SPDX-License-Identifier: MIT */
#include "failing_alloc.h"

#include <pthread.h>
#include <stdint.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

/* of the rest: what is tested may have threads */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t left = SIZE_MAX; /* SIZE_MAX: no end */
static bool failed;
static bool once;
static size_t asked;

static void begin(size_t n, bool only)
{
	pthread_mutex_lock(&lock);
	left = n;
	failed = false;
	once = only;
	asked = 0;
	pthread_mutex_unlock(&lock);
}

void failing_alloc_after(size_t n)
{
	begin(n, false);
}

void failing_alloc_only(size_t n)
{
	begin(n, true);
}

bool failing_alloc_stop(void)
{
	bool did;

	pthread_mutex_lock(&lock);
	left = SIZE_MAX;
	did = failed;
	pthread_mutex_unlock(&lock);
	return did;
}

bool failing_alloc_failed(void)
{
	return failed;
}

size_t failing_alloc_asked(void)
{
	return asked;
}

/*
 * The first that fails is followed by others, unless told: code that goes on after a failure must stand more of them.
 */
static bool is_to_fail(void)
{
	if (left == SIZE_MAX)
		return false;
	if (left) {
		left--;
		return false;
	}
	return !once || !failed;
}

static bool fails(size_t size)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = is_to_fail();
	failed |= is;
	if (!is)
		asked = size < SIZE_MAX - asked ? asked + size : SIZE_MAX;
	pthread_mutex_unlock(&lock);
	return is;
}

void *__wrap_malloc(size_t size)
{
	return fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(n * size) ? NULL : __real_calloc(n, size);
}

/* As much a failure where the block could have grown in place. */
void *__wrap_realloc(void *old, size_t size)
{
	return fails(size) ? NULL : __real_realloc(old, size);
}
