/* SPDX-License-Identifier: MIT */
#include "proc/written.h"

#include <errno.h>
#include <string.h>

void written_init(struct written *written, bool fresh)
{
	memset(written, 0, sizeof(*written));
	written->fresh = fresh;
	skt_buf_init(&written->file);
}

void written_release(struct written *written)
{
	skt_buf_release(&written->file);
	skt_place_release(&written->place);
	told_release(&written->on_the_way);
	if (written->plain.strings)
		skt_snapshot_release(&written->plain);
}

int written_read(struct written *written, const struct tree *tree, struct skt_buf *text, struct skt_err *err)
{
	int rc = -ENOENT;

	told_release(&written->on_the_way);
	if (!tree->live && !written->fresh)
		rc = tree_file(tree, tree->fd, META_FILE, 0, META_MAX, &written->file);
	written->there = rc != -ENOENT;
	if (rc == -ENOENT)
		return 0;
	if (rc == -E2BIG)
		return skt_err_set(err, rc, "'%s' exceeds the limit of %zu bytes", META_FILE, META_MAX);
	if (rc)
		return tree_err(err, rc, "cannot read '" META_FILE "'");
	rc = meta_begin(&written->meta, (char *)written->file.data, written->file.len, text, err);
	if (rc)
		return rc;
	meta_get_head(&written->meta, &written->head);
	meta_get_place(&written->meta, &written->place);
	return meta_err(&written->meta, err);
}

int written_begin(struct written *written, struct look *look, struct skt_snapshot **ret)
{
	struct skt_strtab *strings = look->snapshot->strings;
	int rc = 0;

	if (written->plain.strings)
		skt_snapshot_clear(&written->plain, strings);
	else
		rc = skt_snapshot_init(&written->plain, strings, 0);
	*ret = look->snapshot;
	look->snapshot = &written->plain;
	look->whole = true;
	return rc;
}

int written_end(struct written *written, struct look *look, struct skt_snapshot *ret, uint64_t own, struct skt_err *err)
{
	look->snapshot = ret;
	return meta_apply(&written->meta, &written->head, look, &written->plain, own, &written->on_the_way, err);
}
