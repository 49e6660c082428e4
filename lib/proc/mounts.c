/* SPDX-License-Identifier: MIT */
#include "proc/mounts.h"

#include "base/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* mountinfo: a hundred thousand mounts, which is what one namespace may have (fs.mount-max). */
#define TEXT_MAX ((size_t)32 << 20)

void mounts_init(struct mounts *mounts)
{
	memset(mounts, 0, sizeof(*mounts));
	mounts->fd = -1;
}

void mounts_release(struct mounts *mounts)
{
	if (mounts->fd >= 0)
		close(mounts->fd);
	mounts_init(mounts);
}

/* One line: "65 22 0:21 /1 /proc/1234 rw,...". Where the mount point lies; its blanks are escaped. */
static bool parse_line(const char *line, size_t len, uint64_t *ret_id, uint64_t *ret_parent, const char **ret_point,
		       size_t *ret_len)
{
	struct scan in = scan_of(line, len);
	const char *skipped;

	*ret_id = scan_decimal(&in, UINT64_MAX);
	scan_blank(&in);
	*ret_parent = scan_decimal(&in, UINT64_MAX);
	scan_blank(&in);
	/* device, and what of it is mounted */
	for (int i = 0; i < 2; i++) {
		scan_until(&in, ' ', &skipped);
		scan_blank(&in);
	}
	*ret_len = scan_until(&in, ' ', ret_point);
	return !in.bad;
}

/* What is told from the file or directory of a process, say "/fd", or from something in it. */
static unsigned over(const char *name, size_t len)
{
	static const struct {
		const char *name;
		unsigned over;
	} known[] = {
		{ "/fd", MOUNTED_FDS },
		{ "/ns", MOUNTED_NS },
		{ "/net", MOUNTED_NET },
		{ "/task", MOUNTED_FDS | MOUNTED_NS | MOUNTED_NET },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (len >= strlen(known[i].name) && !memcmp(name, known[i].name, strlen(known[i].name)))
			return known[i].over;
	return len ? 0 : MOUNTED_WHOLE;
}

/* What lies beneath the mount point of /proc, say "/1234/fd": whose it is. */
static void take_point(struct mounts *mounts, const char *below, size_t len)
{
	struct scan in = scan_of(below, len);
	uint64_t pid;

	scan_byte(&in, '/');
	pid = scan_decimal(&in, SKT_PID_MAX);
	if (in.bad || !pid || (!scan_at_end(&in) && !scan_sees(&in, '/')) || mounts->n == MOUNTED_MAX)
		return;
	len = (size_t)(in.end - in.at);
	mounts->list[mounts->n++] = (struct mounted){ .pid = (uint32_t)pid, .over = over(in.at, len) };
}

static void take_text(struct mounts *mounts, const char *text, size_t size)
{
	const char *point, *base = NULL;
	uint64_t id, parent;
	size_t len, base_len = 0;

	mounts->n = 0;
	/*
	 * a mount may be listed before the one that it lies on: the first time /proc is looked for, and what lies on it
	 * after
	 */
	for (int pass = 0; pass < 2; pass++) {
		struct scan in = scan_of(text, size);

		for (; !scan_at_end(&in) && !in.bad; scan_byte(&in, '\n')) {
			const char *line;
			size_t line_len = scan_until(&in, '\n', &line);

			if (!parse_line(line, line_len, &id, &parent, &point, &len))
				continue;
			if (!pass && id == mounts->root) {
				base = point;
				base_len = len;
			}
			if (pass && parent == mounts->root && base && len > base_len && !memcmp(point, base, base_len))
				take_point(mounts, point + base_len, len - base_len);
		}
	}
}

static bool is_changed(const struct mounts *mounts)
{
	struct pollfd poll_fd = { .fd = mounts->fd, .events = POLLPRI };

	return poll(&poll_fd, 1, 0) != 0;
}

static int begin(struct mounts *mounts, const struct look *look)
{
	struct statx root;

	if (statx(look->tree->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &root) || !(root.stx_mask & STATX_MNT_ID))
		return -ENOSYS;
	mounts->root = root.stx_mnt_id;
	mounts->fd = tree_open(look->tree, look->tree->fd, "self/mountinfo", TREE_LINKS);
	return mounts->fd < 0 ? mounts->fd : 0;
}

int mounts_look(struct mounts *mounts, struct look *look)
{
	int rc = 0;

	if (!look->tree->live || mounts->failed)
		return 0;
	if (mounts->fd < 0)
		rc = begin(mounts, look);
	else if (is_changed(mounts))
		mounts->current = false;
	if (!rc && !mounts->current) {
		rc = tree_file(look->tree, look->tree->fd, "self/mountinfo", TREE_LINKS, TEXT_MAX, look->text);
		if (!rc)
			take_text(mounts, (const char *)look->text->data, look->text->len);
		mounts->current = !rc;
	}
	/* no descriptor to spare is a matter of this look, all else of this kernel */
	mounts->failed = rc && rc != -EMFILE && rc != -ENFILE && rc != -ENOMEM;
	return rc == -ENOMEM ? rc : 0;
}

void mounts_tell(const struct mounts *mounts, struct look *look)
{
	for (size_t i = 0; i < mounts->n; i++) {
		struct skt_finding finding = { .kind = SKT_FINDING_MOUNT, .pid = mounts->list[i].pid, .fd = -1 };

		if (!i || mounts->list[i].pid != mounts->list[i - 1].pid)
			skt_quality_add(&look->snapshot->quality, &finding);
	}
}

bool mounts_over(const struct mounts *mounts, uint32_t pid, unsigned of)
{
	for (size_t i = 0; i < mounts->n; i++)
		if (mounts->list[i].pid == pid && mounts->list[i].over & of)
			return true;
	return false;
}

bool mounts_has(const struct mounts *mounts, int fd)
{
	struct statx of;

	return fd >= 0 && mounts->root && !statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &of) &&
	       (of.stx_mask & STATX_MNT_ID) && of.stx_mnt_id != mounts->root;
}
