/* SPDX-License-Identifier: MIT */
/*
 * Every listener that a recording has seen come or go, with the first of its holders: `listeners REC`.
 * A program of your own on libskt is built like this one:
 *
 *	cc -o listeners listeners.c $(pkg-config --cflags --libs skt)
 */
#define _POSIX_C_SOURCE 200809L
#include <skt/buf.h>
#include <skt/escape.h>
#include <skt/record.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* comm comes from a process that may be hostile: it is escaped for the terminal. */
static void add_holder(struct skt_buf *line, const struct skt_snapshot *now, const struct skt_sock *sock)
{
	const struct skt_process *process;
	const char *comm;
	size_t len;

	if (!sock->n_owners) {
		skt_buf_printf(line, " (%s)", skt_owner_state_name(sock->owner));
		return;
	}
	process = &now->processes[now->owners[sock->first_owner].process];
	comm = skt_strtab_get(now->strings, process->comm, &len);
	skt_buf_printf(line, " %u ", process->pid);
	skt_escape(line, comm, len);
}

static void print(const struct skt_snapshot *now, const struct skt_sock_change *change, struct skt_buf *line)
{
	bool came = change->change == SKT_OPENED || change->change == SKT_PRESENT;
	const struct skt_sock *sock = came ? &change->now : &change->before;
	unsigned kind = now->tables[sock->table].kind;
	char address[SKT_ADDRESS_SIZE];

	if ((!came && change->change != SKT_CLOSED) || !skt_sock_is_listening(sock, kind))
		return;
	skt_buf_clear(line);
	skt_time_format(line, change->until, SKT_ZONE_UTC);
	skt_address_format(sock->local_address, skt_table_kind_is_ipv6(kind), address);
	skt_buf_printf(line, " %c %s %s %u", came ? '+' : '-', skt_table_kind_name(kind), address, sock->local_port);
	add_holder(line, now, sock);
	if (!line->failed)
		printf("%.*s\n", (int)line->len, (const char *)line->data);
}

/* A gap or damage is told, and reading goes on behind it: the answer is then not complete. */
static int walk(struct skt_cursor *cursor, struct skt_buf *line)
{
	struct skt_step *step;
	struct skt_err err;
	int rc, status = 0;

	while ((rc = skt_cursor_next(cursor, &step, &err)) != 0) {
		if (rc < 0) {
			fprintf(stderr, "listeners: %s\n", err.message);
			if (rc == -ENOMEM)
				return 2;
			status = 2;
			continue;
		}
		for (size_t i = 0; i < step->n_socks; i++)
			print(skt_cursor_snapshot(cursor), &step->socks[i], line);
	}
	return status;
}

int main(int argc, char **argv)
{
	struct skt_cursor *cursor = NULL;
	struct skt_file *file = NULL;
	struct skt_buf line;
	struct skt_err err;
	int fd, status = 2;

	if (argc != 2) {
		fprintf(stderr, "usage: listeners REC\n");
		return 2;
	}
	skt_buf_init(&line);
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 2;
	}
	if (skt_file_open(fd, argv[1], 0, &file, &err) || skt_cursor_new(file, &cursor, &err)) {
		fprintf(stderr, "listeners: %s: %s\n", err.path, err.message);
		goto out;
	}
	skt_cursor_want(cursor, SKT_WANT_IDENTITY); /* counters and order are not inflated */
	status = walk(cursor, &line);
	if (fflush(stdout) || ferror(stdout))
		status = 2;
out:
	skt_cursor_free(cursor);
	skt_file_free(file);
	skt_buf_release(&line);
	close(fd);
	return status;
}
