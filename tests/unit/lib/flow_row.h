/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FLOW_ROW_H
#define TESTS_FLOW_ROW_H

#include <skt/field.h>

#include <stdint.h>

/* The field of this name of a row of flows, or of a process of one. False: null. */
bool flow_row_get(const struct skt_row *row, const char *name, struct skt_value *ret);

/* What it has there; where it is something else, the test fails and says so. */
void expect_null(const struct skt_row *row, const char *name);
void expect_time(const struct skt_row *row, const char *name, int64_t when);
void expect_number(const struct skt_row *row, const char *name, uint64_t number);
void expect_text(const struct skt_row *row, const char *name, const char *text);

#endif
