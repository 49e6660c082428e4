/* SPDX-License-Identifier: MIT */
#include "render/cells.h"

#include <skt/escape.h>
#include <skt/render.h>

#include <string.h>

/* A terminal shows no more of a command line than it is wide; a character has at most 4 bytes. */
static size_t command_limit(const struct skt_row *row)
{
	return row->render->width ? (size_t)row->render->width * 4 : SIZE_MAX;
}

void cell_arguments(const char *cmdline, size_t len, struct skt_buf *out)
{
	const char *at = cmdline, *arg;
	size_t arg_len;

	while (len > 1 && !cmdline[len - 1] && !cmdline[len - 2])
		len--;
	while (skt_argv_next(&at, cmdline + len, &arg, &arg_len)) {
		if (arg != cmdline)
			skt_buf_byte(out, ' ');
		if (arg_len)
			skt_escape(out, arg, arg_len);
		else
			skt_buf_text(out, "''");
	}
}

static void put_string(const struct skt_row *row, uint32_t id, struct skt_buf *out)
{
	size_t len;
	const char *bytes = skt_strtab_get(row->snapshot->strings, id, &len);

	skt_escape(out, bytes, len);
}

void cell_command(const struct skt_row *row, struct skt_buf *out)
{
	const struct skt_process *process = row->process;
	size_t len, limit = command_limit(row);
	const char *cmdline = skt_strtab_get(row->snapshot->strings, process->cmdline, &len);
	bool cut = len > limit || process->cmdline_truncated;

	if (process->has & SKT_BIT(SKT_P_EXE) && process->exe_deleted)
		skt_buf_text(out, "(deleted) ");
	if (!(process->has & SKT_BIT(SKT_P_CMDLINE))) {
		if (process->has & SKT_BIT(SKT_P_EXE))
			put_string(row, process->exe, out);
		return;
	}
	if (!len) {
		skt_buf_byte(out, '[');
		put_string(row, process->has & SKT_BIT(SKT_P_COMM) ? process->comm : 0, out);
		skt_buf_byte(out, ']');
		return;
	}
	cell_arguments(cmdline, len < limit ? len : limit, out);
	if (cut)
		skt_buf_text(out, "\xe2\x80\xa6");
}

void cell_port(uint16_t port, struct skt_buf *out)
{
	skt_buf_byte(out, ':');
	if (port)
		skt_buf_number(out, port);
	else
		skt_buf_byte(out, '*');
}

static void put_address(const uint8_t address[16], bool ipv6, struct skt_buf *out)
{
	char buffer[SKT_ADDRESS_SIZE];

	if (ipv6)
		skt_buf_byte(out, '[');
	skt_buf_text(out, skt_address_format(address, ipv6, buffer));
	if (ipv6)
		skt_buf_byte(out, ']');
}

static bool is_known(const struct skt_sock *sock, bool local)
{
	return local ? skt_sock_has_local_address(sock) : skt_sock_has_remote_port(sock);
}

void cell_end(const struct skt_sock *sock, bool local, bool ipv6, struct skt_buf *out)
{
	if (local && !is_known(sock, local))
		skt_buf_byte(out, '?');
	else
		put_address(local ? sock->local_address : sock->remote_address, ipv6, out);
	if (!local && !is_known(sock, local))
		skt_buf_text(out, ":?");
	else
		cell_port(local ? sock->local_port : sock->remote_port, out);
}

/* What is left of a long IPv6 address: two groups at each end, which tell networks and hosts apart. */
#define GROUPS_LEFT  2
#define ADDRESS_LONG 23

bool cell_short_end(const struct skt_sock *sock, bool local, bool ipv6, struct skt_buf *out)
{
	char text[SKT_ADDRESS_SIZE];
	const char *head, *tail;
	size_t len;

	if (!ipv6 || !is_known(sock, local))
		return false;
	skt_address_format(local ? sock->local_address : sock->remote_address, true, text);
	len = strlen(text);
	if (len < ADDRESS_LONG)
		return false;
	head = text;
	tail = text + len;
	for (unsigned i = 0; i < GROUPS_LEFT; i++)
		head = strchr(head, ':') + 1;
	for (unsigned groups = 0; groups < GROUPS_LEFT;)
		groups += *--tail == ':';
	skt_buf_byte(out, '[');
	skt_buf_add(out, text, (size_t)(head - text));
	skt_buf_text(out, "\xe2\x80\xa6");
	skt_buf_text(out, tail);
	skt_buf_byte(out, ']');
	cell_port(local ? sock->local_port : sock->remote_port, out);
	return true;
}

void cell_short_state(const char *name, size_t len, struct skt_buf *out)
{
	static const char *const shorter[][2] = {
		{ "ESTABLISHED", "ESTAB" },  { "SYN_SENT", "SYN_S" },  { "SYN_RECV", "SYN_R" },
		{ "FIN_WAIT1", "FIN1" },     { "FIN_WAIT2", "FIN2" },  { "TIME_WAIT", "TIME_W" },
		{ "CLOSE_WAIT", "CLOSE_W" }, { "LAST_ACK", "LAST_A" }, { "NEW_SYN_RECV", "NEW_SYN" },
	};

	for (size_t i = 0; i < sizeof(shorter) / sizeof(*shorter); i++)
		if (strlen(shorter[i][0]) == len && !memcmp(shorter[i][0], name, len)) {
			skt_buf_text(out, shorter[i][1]);
			return;
		}
	skt_buf_add(out, name, len);
}

void cell_user(const struct skt_row *row, bool is_known, uint32_t uid, struct skt_buf *out)
{
	size_t len;
	const char *name = is_known ? skt_snapshot_user(row->snapshot, uid, &len) : NULL;

	if (name)
		skt_escape(out, name, len);
	else if (is_known)
		skt_buf_number(out, uid);
	else
		skt_buf_byte(out, '-');
}

const struct set_style set_as_words = { "", ",", "", "none" }, set_as_json = { "[\"", "\",\"", "\"]", "[]" };

/* NULL: there are not so many. */
static const char *name_in_set(enum skt_field_type type, unsigned i)
{
	if (type == SKT_TYPE_GAPS)
		return 1u << i <= SKT_GAPS_ALL ? skt_owner_gap_name(1u << i) : NULL;
	return i < SKT_FIELDS ? skt_field_name(i) : NULL;
}

void put_set(enum skt_field_type type, uint64_t set, const struct set_style *style, struct skt_buf *out)
{
	const char *name;
	bool some = false;

	for (unsigned i = 0; (name = name_in_set(type, i)); i++) {
		if (!(set >> i & 1))
			continue;
		skt_buf_text(out, some ? style->between : style->open);
		skt_buf_text(out, name);
		some = true;
	}
	skt_buf_text(out, some ? style->close : style->empty);
}

void put_number_value(struct skt_buf *out, const struct skt_value *value)
{
	if (value->negative)
		skt_buf_byte(out, '-');
	skt_buf_number(out, value->number);
}
