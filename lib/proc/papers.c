/* SPDX-License-Identifier: MIT */
#include "proc/papers.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *path;
	bool is_link;
} places[PAPERS] = {
	[PAPER_STAT] = { "stat", false }, [PAPER_STATUS] = { "status", false },	  [PAPER_CGROUP] = { "cgroup", false },
	[PAPER_NET] = { "ns/net", true }, [PAPER_CMDLINE] = { "cmdline", false }, [PAPER_EXE] = { "exe", true },
};

/* What hands share. */
struct desk {
	const struct tree *tree;
	struct papers *papers;
	struct skt_buf scratch[CREW_MAX]; /* one for each hand */
};

void papers_init(struct papers *papers, int dir, bool secret)
{
	memset(papers, 0, sizeof(*papers));
	papers->dir = dir;
	papers->secret = secret;
	skt_buf_init(&papers->texts);
}

void papers_release(struct papers *papers)
{
	skt_buf_release(&papers->texts);
}

/* Whether asking again would say the same: it was read, or is not there or not for us. */
static bool is_final(int rc)
{
	return !rc || rc == -ENOENT || rc == -ESRCH || tree_is_denied(rc);
}

/* One into scratch: 0 or a negative errno. */
static int read_one(const struct tree *tree, struct papers *papers, enum paper which, struct skt_buf *scratch)
{
	const char *path = places[which].path;
	unsigned char *at;
	ssize_t len;

	if (!places[which].is_link)
		return tree_file(tree, papers->dir, path, 0, PAPER_MAX, scratch);
	skt_buf_clear(scratch);
	at = skt_buf_room(scratch, PAPER_MAX);
	if (!at)
		return -ENOMEM;
	/* whether its file is deleted is asked at once: later it may be another's, or gone with the process */
	if (which == PAPER_EXE)
		len = tree_program(tree, papers->dir, path, (char *)at, PAPER_MAX, &papers->exe_deleted);
	else
		len = tree_link(tree, papers->dir, path, (char *)at, PAPER_MAX);
	if (len < 0)
		return (int)len;
	scratch->len = (size_t)len;
	return 0;
}

static void read_papers(void *data, size_t i, unsigned hand)
{
	struct desk *desk = data;
	struct papers *papers = &desk->papers[i];
	struct skt_buf *scratch = &desk->scratch[hand];

	for (enum paper which = 0; which < PAPERS; which++) {
		int rc;

		if (which == PAPER_CMDLINE && papers->secret)
			continue;
		rc = read_one(desk->tree, papers, which, scratch);
		papers->paper[which].rc = rc;
		papers->paper[which].at = papers->texts.len;
		papers->paper[which].len = rc ? 0 : scratch->len;
		if (!rc)
			skt_buf_add(&papers->texts, scratch->data, scratch->len);
		papers->paper[which].there = is_final(rc) && !papers->texts.failed;
	}
}

void papers_read(struct crew *crew, const struct tree *tree, struct papers *papers, size_t n)
{
	struct desk desk = { .tree = tree, .papers = papers };

	for (unsigned hand = 0; hand < CREW_MAX; hand++)
		skt_buf_init(&desk.scratch[hand]);
	crew_do(crew, n, read_papers, &desk);
	for (unsigned hand = 0; hand < CREW_MAX; hand++)
		skt_buf_release(&desk.scratch[hand]);
}

bool papers_take(struct papers *papers, int dir, const char *path, const unsigned char **ret, size_t *ret_len,
		 int *ret_rc)
{
	if (!papers || papers->dir != dir)
		return false;
	for (enum paper which = 0; which < PAPERS; which++) {
		if (!papers->paper[which].there || strcmp(places[which].path, path) != 0)
			continue;
		papers->paper[which].there = false;
		*ret_len = papers->paper[which].len;
		*ret = *ret_len ? papers->texts.data + papers->paper[which].at : NULL;
		*ret_rc = papers->paper[which].rc;
		return true;
	}
	return false;
}
