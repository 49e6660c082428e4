/* SPDX-License-Identifier: MIT */
#ifndef CLOCKS_H
#define CLOCKS_H

#include <stdint.h>
#include <time.h>

/* What the tools ask of the system that the library must not: clocks, processors, and how many files may be open. */

/* In ns. */
int64_t clock_ns(clockid_t clock);

/* For capture (struct skt_clock): the running kernel's. */
void clocks_read(void *data, int64_t *ret_realtime, int64_t *ret_boottime);

/* How many processors this process may run on. */
unsigned processors(void);

/* As many as may be: capture keeps a descriptor for each process that holds a socket. */
void raise_file_limit(void);

#endif
