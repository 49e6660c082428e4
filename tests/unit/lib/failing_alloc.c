/* SPDX-License-Identifier: MIT */
#include "failing_alloc.h"

#include <stdint.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static size_t left = SIZE_MAX; /* SIZE_MAX: no end */
static bool failed;
static bool once;
static size_t asked;

void failing_alloc_after(size_t n)
{
	left = n;
	failed = false;
	once = false;
	asked = 0;
}

void failing_alloc_only(size_t n)
{
	failing_alloc_after(n);
	once = true;
}

bool failing_alloc_stop(void)
{
	left = SIZE_MAX;
	return failed;
}

bool failing_alloc_failed(void)
{
	return failed;
}

size_t failing_alloc_asked(void)
{
	return asked;
}

static size_t ask(size_t size)
{
	asked = size < SIZE_MAX - asked ? asked + size : SIZE_MAX;
	return size;
}

/* The first that fails is followed by others, unless told: code that goes on after a failure must stand more of them. */
static bool fails(void)
{
	if (left == SIZE_MAX)
		return false;
	if (left) {
		left--;
		return false;
	}
	if (once && failed)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(ask(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : (ask(n * size), __real_calloc(n, size));
}

/* As much a failure where the block could have grown in place. */
void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, ask(size));
}
