/* SPDX-License-Identifier: MIT */
#ifndef EXPRESSION_H
#define EXPRESSION_H

#include <skt/filter.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * Where EXPR begins among operands: behind those in front that are recordings. The first one is (unless there is one
 * already), whatever it says; opening it tells if it does not exist. But an expression with recordings behind it is
 * refused: exit 2.
 */
size_t expression_find(char *const *operands, size_t n, bool have_one);

/*
 * The first operand is to be a recording, or a tree. Where there is none of that name, and what stands there is plainly
 * something else, that is what is told: exit 2. Otherwise opening it tells.
 */
void expression_check_first(char *const *operands, size_t n);

/*
 * The EXPR of a command line, read with this host's services(5), which say what a port's name means where the question
 * is asked. flows: it may be about flows as well. A wrong one is a mistake on the command line: exit 2. How it was read
 * is told where that could surprise.
 */
struct skt_filter *expression_read(char *const *words, size_t n, enum skt_zone zone, bool flows);

#endif
