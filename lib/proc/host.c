/* SPDX-License-Identifier: MIT */
#include "proc/host.h"

#include "base/scan.h"

#include <errno.h>
#include <string.h>

/* The line "intr" has a number for each interrupt: some 100 KiB on machines with many processors. */
#define STAT_MAX ((size_t)4 << 20)

/* A file of one line; what is longer than the kernel's field (utsname: 64 characters) is not believed. */
static int read_line(const struct tree *tree, const char *path, struct skt_buf *text, char *ret, size_t size)
{
	int rc = tree_file(tree, tree->fd, path, TREE_LINKS, size, text);
	size_t len;

	if (rc)
		return rc == -ENOMEM ? rc : 0;
	len = text->len;
	if (len && text->data[len - 1] == '\n')
		len--;
	if (!len || len >= size || memchr(text->data, '\0', len))
		return 0;
	memcpy(ret, text->data, len);
	ret[len] = '\0';
	return 0;
}

/* "btime 1795356187" in stat(5): seconds since 1970 */
static int read_btime(const struct tree *tree, struct skt_buf *text, int64_t *ret)
{
	static const char key[] = "\nbtime ";
	int rc = tree_file(tree, tree->fd, "stat", TREE_LINKS, STAT_MAX, text);
	const char *at;
	struct scan s;
	int64_t seconds;

	if (rc)
		return rc == -ENOMEM ? rc : 0;
	at = text->len ? memmem(text->data, text->len, key, sizeof(key) - 1) : NULL;
	if (!at)
		return 0;
	s = scan_of((char *)text->data, text->len);
	s.at = at + sizeof(key) - 1;
	/* half of what int64_t holds: a recording keeps no instant after 2116 */
	seconds = (int64_t)scan_decimal(&s, INT64_MAX / 2 / INT64_C(1000000000));
	scan_byte(&s, '\n');
	if (!s.bad)
		*ret = seconds * INT64_C(1000000000);
	return 0;
}

int host_read(const struct tree *tree, struct skt_buf *text, struct skt_host *ret)
{
	char link[64];
	ssize_t len = tree_link(tree, tree->fd, "self/ns/net", link, sizeof(link));
	int rc;

	*ret = (struct skt_host){ .btime = -1 };
	if (len > 0)
		ret->net_namespace = tree_link_inode(link, (size_t)len, "net");
	rc = read_line(tree, "sys/kernel/hostname", text, ret->name, sizeof(ret->name));
	if (!rc)
		rc = read_line(tree, "sys/kernel/osrelease", text, ret->kernel, sizeof(ret->kernel));
	if (!rc)
		rc = read_line(tree, "sys/kernel/random/boot_id", text, ret->boot_id, sizeof(ret->boot_id));
	return rc ? rc : read_btime(tree, text, &ret->btime);
}
