/* SPDX-License-Identifier: MIT */
/* `skt-tree FILE N DIR`: the Nth snapshot of a recording as a tree in DIR, an empty directory. Exit 0, or 2 and why. */
#include <skt/record.h>
#include <skt/tree.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int say(const struct skt_err *err)
{
	fprintf(stderr, "skt-tree: %s: %s\n", err->path, err->message);
	return 2;
}

static void set(char *field, size_t size, const struct skt_header *header, const char *fact)
{
	const char *value = skt_header_fact(header, fact);

	snprintf(field, size, "%s", value ? value : "");
}

int main(int argc, char **argv)
{
	const struct skt_header *header;
	struct skt_host host = { .btime = -1 };
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	const char *own;
	struct skt_err err;
	int fd, dir;

	if (argc != 4)
		return 2;
	skt_err_init(&err);
	fd = open(argv[1], O_RDONLY);
	dir = open(argv[3], O_RDONLY | O_DIRECTORY);
	if (fd < 0 || dir < 0) {
		perror("skt-tree");
		return 2;
	}
	if (skt_file_open(fd, argv[1], 0, &file, &err) || skt_cursor_new(file, &cursor, &err))
		return say(&err);
	for (unsigned long n = strtoul(argv[2], NULL, 10); n; n--)
		if (skt_cursor_next(cursor, &step, &err) <= 0)
			return say(&err);
	header = skt_file_header(file);
	set(host.name, sizeof(host.name), header, "host.name");
	set(host.kernel, sizeof(host.kernel), header, "host.kernel");
	set(host.boot_id, sizeof(host.boot_id), header, "host.boot_id");
	own = skt_header_fact(header, "host.net_namespace");
	host.net_namespace = own ? strtoull(own, NULL, 10) : 0;
	host.btime = header->boot_time;
	host.big_endian = header->big_endian;
	if (skt_tree_write(skt_cursor_snapshot(cursor), &host, NULL, dir, &err))
		return say(&err);
	skt_cursor_free(cursor);
	skt_file_free(file);
	return 0;
}
