/* SPDX-License-Identifier: MIT */
#ifndef RENDER_LINES_H
#define RENDER_LINES_H

#include <skt/field.h>

#include <skt/buf.h>

/*
 * Lines about changes, whose columns are not fitted: they are as wide as what mostly stands in them, and what is longer
 * pushes the rest to the right.
 */
#define WHAT_WIDTH     9
#define TABLE_WIDTH    5
#define ENDPOINT_WIDTH 21 /* 255.255.255.255:65535 */
#define STATE_WIDTH    11 /* ESTABLISHED */

/* Blanks up to the next column, from where this one began. */
void line_pad(struct skt_buf *line, size_t start, size_t width);

/* A state's name, or the number that has none. */
void line_state(unsigned state, struct skt_buf *line);

/* Where it is not known who holds it, there is the word for that, and who did when it last was. */
void line_holders(const struct skt_row *about, struct skt_buf *scratch, struct skt_buf *line);

/* What an event told of it: "  sent 88  received 41"; nothing where none did. */
void line_told(const struct skt_row *row, struct skt_buf *line);

/* A value as it stands in other tables; nothing where it is unknown. */
void line_value(const struct skt_field_info *field, const struct skt_row *row, struct skt_buf *line);

/*
 * The line goes out, no wider than the terminal, without blanks at its end, between what turns a colour on and off ("":
 * none).
 */
void line_end(const struct skt_buf *line, unsigned width, struct skt_buf *out);
void line_end_coloured(const struct skt_buf *line, unsigned width, const char *colour, struct skt_buf *out);

/* Whether sockets are of several network namespaces, so that it must be said of which. */
bool line_needs_namespaces(const struct skt_snapshot *snapshot);

#endif
