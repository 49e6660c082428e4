/* SPDX-License-Identifier: MIT */
#include "proc/users.h"

#include "base/array.h"
#include "base/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A quarter of a million users of 64 bytes: sites with more ask a directory service, not a file. */
#define PASSWD_MAX ((size_t)16 << 20)
/* LOGIN_NAME_MAX, limits.h */
#define NAME_MAX_LEN 256

void users_init(struct users *users)
{
	memset(users, 0, sizeof(*users));
	skt_buf_init(&users->text);
	users->size = -1;
}

void users_release(struct users *users)
{
	skt_buf_release(&users->text);
	free(users->lines);
	users_init(users);
}

/* name:password:uid:... Lines that are none (comments, NIS's "+") are passed over, as getpwuid(3) does. */
static int take_line(struct users *users, const char *line, size_t len)
{
	struct scan s = scan_of(line, len);
	const char *name, *password;
	size_t name_len = scan_until(&s, ':', &name);
	struct user_line user;

	scan_byte(&s, ':');
	scan_until(&s, ':', &password);
	scan_byte(&s, ':');
	user = (struct user_line){ .uid = (uint32_t)scan_decimal(&s, UINT32_MAX),
				   .name = (uint32_t)(name - (char *)users->text.data),
				   .name_len = (uint32_t)name_len };
	scan_byte(&s, ':');
	if (s.bad || !name_len || name_len > NAME_MAX_LEN)
		return 0;
	if (array_room(&users->lines, &users->room_lines, users->n_lines + 1, sizeof(*users->lines)))
		return -ENOMEM;
	users->lines[users->n_lines++] = user;
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	const struct user_line *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* All lines, by uid; of several with one uid the first counts. */
static int take_text(struct users *users)
{
	const char *at = (char *)users->text.data, *end = users->text.len ? at + users->text.len : at;
	size_t n = 0;
	int rc = 0;

	users->n_lines = 0;
	while (!rc && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);

		rc = take_line(users, at, len);
		at += len + 1;
	}
	if (users->n_lines)
		qsort(users->lines, users->n_lines, sizeof(*users->lines), compare_lines);
	for (size_t i = 0; i < users->n_lines; i++)
		if (!n || users->lines[n - 1].uid != users->lines[i].uid)
			users->lines[n++] = users->lines[i];
	users->n_lines = n;
	return rc;
}

/* The whole file from its beginning, whatever the descriptor's position. */
static int read_text(struct users *users, int fd, size_t size)
{
	struct skt_buf *text = &users->text;
	ssize_t n = 1;

	skt_buf_clear(text);
	while (n > 0 && text->len < size) {
		char *at = skt_buf_room(text, size - text->len);

		if (!at)
			return -ENOMEM;
		do
			n = pread(fd, at, size - text->len, (off_t)text->len);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
		text->len += (size_t)n;
	}
	return 0;
}

static int tell(struct look *look, int code, const char *what)
{
	struct skt_err err;

	skt_err_sys(&err, code, "names of users: %s", what);
	look_problem(look, &err, NULL, 0);
	return 0;
}

/* Read the file anew if it is not the one that was read. 0 or -ENOMEM; what is wrong with it is told. */
static int refresh(struct users *users, struct look *look)
{
	int fd = look->options->passwd_fd, rc;
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return tell(look, -errno, "cannot read passwd");
	if (st.st_size == users->size && st.st_mtim.tv_sec == users->changed.tv_sec &&
	    st.st_mtim.tv_nsec == users->changed.tv_nsec)
		return 0;
	users->size = st.st_size;
	users->changed = st.st_mtim;
	users->n_lines = 0;
	if (!S_ISREG(st.st_mode))
		return tell(look, -EINVAL, "passwd is no regular file");
	if ((uint64_t)st.st_size > PASSWD_MAX)
		return tell(look, -E2BIG, "passwd exceeds the limit of 16777216 bytes");
	rc = read_text(users, fd, (size_t)st.st_size);
	if (!rc)
		rc = take_text(users);
	if (rc == -ENOMEM)
		users->size = -1;
	return rc && rc != -ENOMEM ? tell(look, rc, "cannot read passwd") : rc;
}

static void want(struct users *users, uint32_t uid)
{
	size_t i =
		array_below(users->lines, users->n_lines, sizeof(*users->lines), offsetof(struct user_line, uid), uid);

	if (i < users->n_lines && users->lines[i].uid == uid)
		users->lines[i].wanted = true;
}

int users_add(struct users *users, struct look *look)
{
	struct skt_snapshot *snapshot = look->snapshot;
	int rc = refresh(users, look);

	for (size_t i = 0; i < users->n_lines; i++)
		users->lines[i].wanted = false;
	for (size_t i = 0; i < snapshot->n_socks; i++)
		if (!i || snapshot->socks[i].uid != snapshot->socks[i - 1].uid)
			want(users, snapshot->socks[i].uid);
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (snapshot->processes[i].has & SKT_BIT(SKT_P_UID))
			want(users, snapshot->processes[i].uid);
	for (size_t i = 0; !rc && i < users->n_lines; i++) {
		const struct user_line *line = &users->lines[i];
		uint32_t name;

		if (!line->wanted)
			continue;
		rc = skt_strtab_add(snapshot->strings, users->text.data + line->name, line->name_len, &name);
		if (!rc)
			rc = skt_snapshot_add_user(snapshot, line->uid, name);
	}
	return rc;
}
