/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include <skt/escape.h>

#include <stdio.h>
#include <string.h>

/*
 * The look of `netstat -tuwapn` of net-tools 2.10, byte for byte on what it can read, the blanks at the ends of lines
 * too; but what a terminal must not see is escaped. Of a process whose command line is unknown, which netstat does
 * not show at all, this shows the comm.
 */

#define ADDRESS_COLUMNS 22  /* of an address and its port, without the colon between them */
#define PROGRAM_COLUMNS 19  /* of pid/program */
#define CMDLINE_BYTES	511 /* that netstat reads of /proc/PID/cmdline */

void netstat_heading(struct skt_buf *out)
{
	skt_buf_text(out, "Active Internet connections (servers and established)\n"
			  "Proto Recv-Q Send-Q Local Address           Foreign Address         State       "
			  "PID/Program name    \n");
}

/* udplite is "udpl" */
static const char *protocol(unsigned kind)
{
	switch (kind) {
	case SKT_UDPLITE:
		return "udpl";
	case SKT_UDPLITE6:
		return "udpl6";
	default:
		return skt_table_kind_name(kind);
	}
}

/* The address is cut before the port is. An IPv4 address within IPv6 stands there bare. */
static void put_endpoint(const uint8_t address[16], bool ipv6, uint16_t port, struct skt_buf *out)
{
	static const char mapped[] = "::ffff:";
	char buffer[SKT_ADDRESS_SIZE], digits[8] = "*", both[SKT_ADDRESS_SIZE + sizeof(digits)];
	const char *text = skt_address_format(address, ipv6, buffer);
	int room;

	if (ipv6 && !strncmp(text, mapped, strlen(mapped)) && strchr(text, '.'))
		text += strlen(mapped);
	if (port)
		snprintf(digits, sizeof(digits), "%u", port);
	room = ADDRESS_COLUMNS - (int)strlen(digits);
	snprintf(both, sizeof(both), "%.*s:%s", room, text, digits);
	skt_buf_printf(out, " %-23s", both);
}

/* A raw socket shows its number, and only ESTABLISHED means something for UDP. */
static void put_state(unsigned kind, unsigned state, struct skt_buf *out)
{
	const char *name = state ? skt_state_name(state) : "";

	if (kind == SKT_RAW || kind == SKT_RAW6) {
		skt_buf_printf(out, " %-11u", state);
		return;
	}
	if (!skt_table_kind_is_tcp(kind) && state != SKT_ESTABLISHED)
		name = state == SKT_CLOSE ? "" : "UNKNOWN";
	skt_buf_printf(out, " %-11s", name ? name : "UNKNOWN");
}

static bool has_cmdline(const struct skt_process *process)
{
	return process->has & SKT_BIT(SKT_P_CMDLINE);
}

/* Whether a is to be named rather than b. netstat names the first that it meets, and /proc lists them by pid. */
static bool goes_before(const struct skt_process *a, const struct skt_process *b)
{
	if (has_cmdline(a) != has_cmdline(b))
		return has_cmdline(a);
	return a->pid < b->pid;
}

/* The process to name, or NULL: there is none, or none with a name. */
static const struct skt_process *first_process(const struct skt_row *row)
{
	const struct skt_owner *owners = skt_row_owners(row);
	const struct skt_process *first = NULL;

	for (uint32_t i = 0; i < row->sock->n_owners; i++) {
		const struct skt_process *process = &row->snapshot->processes[owners[i].process];

		if (!(process->has & (SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_COMM))))
			continue;
		if (!first || goes_before(process, first))
			first = process;
	}
	return first;
}

static void put_comm(const struct skt_row *row, const struct skt_process *process, struct skt_buf *out)
{
	size_t len;
	const char *comm = skt_strtab_get(row->snapshot->strings, process->comm, &len);

	skt_escape(out, comm, len);
}

/* The first argument; of one that is an absolute path what follows the last slash, even where arguments are in it. */
static void put_argument(const struct skt_row *row, const struct skt_process *process, struct skt_buf *out)
{
	size_t len;
	const char *name = skt_strtab_get(row->snapshot->strings, process->cmdline, &len);
	const char *slash;

	len = strnlen(name, len < CMDLINE_BYTES ? len : CMDLINE_BYTES);
	slash = len && *name == '/' ? memrchr(name, '/', len) : NULL;
	if (slash) {
		len -= (size_t)(slash + 1 - name);
		name = slash + 1;
	}
	skt_escape(out, name, len);
}

static void put_program(const struct skt_row *row, struct skt_buf *out)
{
	/* netstat finds processes by inode: what a socket without one was once held by is nothing it could know */
	const struct skt_process *process = row->sock->inode ? first_process(row) : NULL;
	size_t start, columns;

	skt_buf_byte(out, ' ');
	start = out->len;
	if (process) {
		skt_buf_number(out, process->pid);
		skt_buf_byte(out, '/');
		if (has_cmdline(process))
			put_argument(row, process, out);
		else
			put_comm(row, process, out);
	} else {
		skt_buf_byte(out, '-');
	}
	if (out->failed)
		return;
	out->len = start + skt_escape_fit((char *)out->data + start, out->len - start, PROGRAM_COLUMNS);
	columns = skt_escape_width((char *)out->data + start, out->len - start);
	skt_buf_fill(out, ' ', PROGRAM_COLUMNS + 1 - columns);
}

void netstat_socket(const struct skt_row *row, struct skt_buf *out)
{
	const struct skt_sock *sock = row->sock;
	unsigned kind = row->snapshot->tables[sock->table].kind;
	bool ipv6 = skt_table_kind_is_ipv6(kind);

	skt_buf_printf(out, "%-5s %6u %6u", protocol(kind), sock->rx_queue, sock->tx_queue);
	put_endpoint(sock->local_address, ipv6, sock->local_port, out);
	put_endpoint(sock->remote_address, ipv6, sock->remote_port, out);
	put_state(kind, sock->state, out);
	put_program(row, out);
	skt_buf_byte(out, '\n');
}
