/* SPDX-License-Identifier: MIT */
#ifndef EXPRESSION_H
#define EXPRESSION_H

#include <skt/filter.h>

#include <stddef.h>

/*
 * The EXPR of a command line, read with this host's services(5), which say what a port's name means where the question is
 * asked. flows: it may be about flows as well. A wrong one is a mistake on the command line: exit 2. How it was read is told where that
 * could surprise.
 */
struct skt_filter *expression_read(char *const *words, size_t n, enum skt_zone zone, bool flows);

#endif
