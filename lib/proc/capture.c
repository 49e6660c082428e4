/* SPDX-License-Identifier: MIT */
#include <skt/capture.h>

#include "proc/family.h"
#include "proc/host.h"
#include "proc/ledger.h"
#include "proc/look.h"
#include "proc/mounts.h"
#include "proc/namespaces.h"
#include "proc/owners.h"
#include "proc/turns.h"
#include "proc/unlisted.h"
#include "proc/users.h"
#include "proc/walk.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/vfs.h>
#include <unistd.h>

struct skt_capture {
	struct skt_capture_options options;
	struct tree tree;
	struct skt_host host;
	struct namespaces namespaces;
	struct turns turns;
	struct ledger ledger;
	struct owners owners;
	struct walk walk;
	struct mounts mounts;
	struct unlisted unlisted;
	struct family family;
	struct users users;
	struct problems problems;
	struct skt_buf text;
};

/* Which of the wanted tables exist, and whether the tree is one at all. */
static int check_tree(struct skt_capture *capture, struct skt_err *err)
{
	const struct tree *tree = &capture->tree;
	int fd = tree_open(tree, tree->fd, "net", TREE_LINKS | TREE_DIRECTORY | TREE_HANDLE);
	uint32_t found = 0;
	char path[32];

	if (fd == -ENOSYS)
		return skt_err_sys(err, fd, "a tree of files needs openat2(2), Linux 5.6");
	if (fd < 0)
		return skt_err_sys(err, fd, "no tree of /proc: cannot open 'net' in it");
	close(fd);
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++) {
		if (!(capture->options.tables & 1u << kind))
			continue;
		snprintf(path, sizeof(path), "net/%s", skt_table_kind_name(kind));
		fd = tree_open(tree, tree->fd, path, TREE_LINKS);
		if (fd != -ENOENT)
			found |= 1u << kind;
		if (fd >= 0)
			close(fd);
	}
	if (!found)
		return skt_err_set(err, -ENOENT, "none of the wanted tables is in 'net'");
	return 0;
}

int skt_capture_open(int proc_fd, const struct skt_capture_options *options, struct skt_capture **ret,
		     struct skt_err *err)
{
	struct skt_capture *capture = calloc(1, sizeof(*capture));
	struct statfs fs;
	int rc;

	if (!capture)
		return skt_err_sys(err, -ENOMEM, "cannot begin to capture");
	capture->options = *options;
	capture->tree = (struct tree){ .fd = proc_fd, .name = options->name };
	namespaces_init(&capture->namespaces);
	turns_init(&capture->turns);
	owners_init(&capture->owners);
	mounts_init(&capture->mounts);
	users_init(&capture->users);
	skt_buf_init(&capture->text);
	if (fstatfs(proc_fd, &fs) < 0) {
		rc = skt_err_sys(err, -errno, "cannot open");
	} else {
		capture->tree.live = fs.f_type == PROC_SUPER_MAGIC;
		ledger_init(&capture->ledger, &capture->tree);
		rc = check_tree(capture, err);
	}
	if (!rc) {
		rc = host_read(&capture->tree, &capture->text, &capture->host);
		capture->host.big_endian = options->big_endian;
		if (!rc)
			rc = namespaces_begin(&capture->namespaces, &capture->tree, capture->host.net_namespace);
		if (rc)
			skt_err_sys(err, rc, "cannot begin to capture");
	}
	if (rc) {
		skt_err_at(err, options->name, -1);
		skt_capture_free(capture);
		return rc;
	}
	*ret = capture;
	return 0;
}

void skt_capture_free(struct skt_capture *capture)
{
	if (!capture)
		return;
	namespaces_release(&capture->namespaces);
	turns_release(&capture->turns);
	ledger_release(&capture->ledger);
	owners_release(&capture->owners);
	mounts_release(&capture->mounts);
	users_release(&capture->users);
	skt_buf_release(&capture->text);
	free(capture);
}

bool skt_capture_is_live(const struct skt_capture *capture)
{
	return capture->tree.live;
}

const struct skt_host *skt_capture_host(const struct skt_capture *capture)
{
	return &capture->host;
}

/* Who holds what: the descriptors, those who have them, and both brought together with the rows. */
static int look_for_owners(struct skt_capture *capture, struct look *look)
{
	struct ledger *ledger = &capture->ledger;
	struct owners *owners = &capture->owners;
	int rc = owners_begin(owners, look);

	if (!rc)
		rc = mounts_look(&capture->mounts, look);
	if (!rc)
		rc = walk_look(&capture->walk, look, ledger, owners);
	if (!rc)
		unlisted_look(&capture->unlisted, capture->host.net_namespace, look, ledger, owners);
	if (!rc)
		rc = family_holders(&capture->family, look, ledger, owners);
	if (!rc)
		rc = owners_assign(owners, look, ledger);
	return rc ? rc : family_others(look, ledger);
}

int skt_capture_next(struct skt_capture *capture, struct skt_snapshot *ret, struct skt_err *err)
{
	struct look look = { .tree = &capture->tree,
			     .options = &capture->options,
			     .snapshot = ret,
			     .problems = &capture->problems,
			     .mounts = &capture->mounts,
			     .text = &capture->text };
	int rc;

	skt_snapshot_clear(ret, ret->strings);
	capture->problems.n = 0;
	capture->problems.total = 0;
	/* before the instant that is the snapshot's: what is not there any more was lost until then */
	rc = namespaces_look(&capture->namespaces, &look);
	ret->boottime = look_clock(&look, &ret->time);
	/* first the tables, then the descriptors: the other way round every new socket would look as if nobody held it */
	if (!rc)
		rc = turns_read(&capture->turns, &capture->namespaces, &look);
	if (!rc)
		rc = look_for_owners(capture, &look);
	if (!rc)
		rc = users_add(&capture->users, &look);
	if (!rc)
		rc = skt_snapshot_order(ret);
	look_clock(&look, &ret->end);
	if (!rc)
		return 0;
	if (rc == -E2BIG)
		skt_err_set(err, rc, "snapshot exceeds a limit: %u rows, %u owners or %zu bytes of text", SKT_SOCKS_MAX,
			    SKT_OWNERS_MAX, SKT_STRTAB_MAX);
	else
		skt_err_sys(err, rc, "cannot take a snapshot");
	return skt_err_at(err, capture->tree.name, -1), rc;
}

const struct skt_err *skt_capture_problems(const struct skt_capture *capture, size_t *ret_kept, uint64_t *ret_total)
{
	*ret_kept = capture->problems.n;
	if (ret_total)
		*ret_total = capture->problems.total;
	return capture->problems.kept;
}
