/* SPDX-License-Identifier: MIT */
#ifndef RENDER_CELLS_H
#define RENDER_CELLS_H

#include <skt/field.h>

#include <skt/buf.h>

/* What stands in the cells of tables, whatever row it is. */

/*
 * The command line of the row's process, or what is known instead: [comm] of a kernel thread, as ps(1) shows it, or the
 * program. Before it stands whether the program's file has been deleted, and no more of it is put than the
 * terminal could show.
 */
void cell_command(const struct skt_row *row, struct skt_buf *out);

/* Arguments with blanks between; the empty ones at the end, which are what setproctitle() leaves, are not shown. */
void cell_arguments(const char *cmdline, size_t len, struct skt_buf *out);

/* One of its ends, as ss(8) writes it: [::1]:80, 0.0.0.0:*; ? is an address or a port that nobody knows. */
void cell_end(const struct skt_sock *sock, bool local, bool ipv6, struct skt_buf *out);
void cell_port(uint16_t port, struct skt_buf *out);

/* Where there is little room: of a long IPv6 address both ends. false, and nothing is put: it is not that long. */
bool cell_short_end(const struct skt_sock *sock, bool local, bool ipv6, struct skt_buf *out);

/* And a state's short name, or the name itself. */
void cell_short_state(const char *name, size_t len, struct skt_buf *out);

/* A user's name, or the number that has none; "-" where it is not known which. */
void cell_user(const struct skt_row *row, bool is_known, uint32_t uid, struct skt_buf *out);

/* How a set of names is put: denied,vanished and none, or as an array of strings. */
struct set_style {
	const char *open, *between, *close, *empty;
};
extern const struct set_style set_as_words, set_as_json;

/* The value of an SKT_TYPE_GAPS or SKT_TYPE_FIELDS. */
void put_set(enum skt_field_type type, uint64_t set, const struct set_style *style, struct skt_buf *out);

/* The value of an SKT_TYPE_NUMBER. */
void put_number_value(struct skt_buf *out, const struct skt_value *value);

#endif
