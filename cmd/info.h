/* SPDX-License-Identifier: MIT */
#ifndef INFO_H
#define INFO_H

#include <skt/buf.h>
#include <skt/record.h>

/*
 * What is known of a recording itself, as lines of text: 0, 1 if some of it cannot be read (told on stderr), or a
 * negative errno.
 */
int show_info(const struct skt_file *file, enum skt_zone zone, struct skt_buf *out, struct skt_err *err);

#endif
