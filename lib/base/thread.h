/* SPDX-License-Identifier: MIT */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stddef.h>

/*
 * Start a thread in which no signal arrives: signals are for the caller's threads, who know what to do with them.
 * stack: bytes; 0: as many as others have. 0 or a negative errno.
 */
int thread_start(pthread_t *ret, size_t stack, void *(*run)(void *), void *data);

#endif
