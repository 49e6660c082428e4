/* SPDX-License-Identifier: MIT */
#include "proc/host.h"

#include "base/scan.h"

#include <string.h>

/* The line "intr" has a number for each interrupt: some 100 KiB on machines with many processors. */
#define STAT_MAX ((size_t)4 << 20)

/* A file of one line; what is longer than the kernel's field (utsname: 64 characters) is not believed. */
static void read_line(const struct tree *tree, const char *path, struct skt_buf *text, char *ret, size_t size)
{
	size_t len;

	ret[0] = '\0';
	if (tree_file(tree, tree->fd, path, TREE_LINKS, size, text))
		return;
	len = text->len;
	if (len && text->data[len - 1] == '\n')
		len--;
	if (len >= size || (len && memchr(text->data, '\0', len)))
		return;
	if (len)
		memcpy(ret, text->data, len);
	ret[len] = '\0';
}

/* "btime 1795356187" in stat(5): seconds since 1970 */
static int64_t read_btime(const struct tree *tree, struct skt_buf *text)
{
	static const char key[] = "\nbtime ";
	struct scan s;
	const char *at;
	int64_t seconds;

	if (tree_file(tree, tree->fd, "stat", TREE_LINKS, STAT_MAX, text) || !text->len)
		return -1;
	at = memmem(text->data, text->len, key, sizeof(key) - 1);
	if (!at)
		return -1;
	s = scan_of((char *)text->data, text->len);
	s.at = at + sizeof(key) - 1;
	seconds = (int64_t)scan_decimal(&s, INT64_MAX / INT64_C(1000000000));
	scan_byte(&s, '\n');
	return s.bad ? -1 : seconds * INT64_C(1000000000);
}

void host_read(const struct tree *tree, struct skt_buf *text, struct skt_host *ret)
{
	char link[64];
	ssize_t len;

	memset(ret, 0, sizeof(*ret));
	read_line(tree, "sys/kernel/hostname", text, ret->name, sizeof(ret->name));
	read_line(tree, "sys/kernel/osrelease", text, ret->kernel, sizeof(ret->kernel));
	read_line(tree, "sys/kernel/random/boot_id", text, ret->boot_id, sizeof(ret->boot_id));
	ret->btime = read_btime(tree, text);
	len = tree_link(tree, tree->fd, "self/ns/net", link, sizeof(link));
	ret->net_namespace = len > 0 ? tree_link_inode(link, (size_t)len, "net") : 0;
}
