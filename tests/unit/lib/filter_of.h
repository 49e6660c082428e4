/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FILTER_OF_H
#define TESTS_FILTER_OF_H

#include <skt/filter.h>

/*
 * What the text says, of flows too, with times in UTC and no names of services; NULL of NULL. One that is none fails
 * the test. Given to the caller.
 */
struct skt_filter *filter_of(const char *text);

#endif
