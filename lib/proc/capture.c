/* SPDX-License-Identifier: MIT */
#include "proc/capture.h"

#include "proc/family.h"
#include "proc/host.h"
#include "proc/ledger.h"
#include "proc/listen.h"
#include "proc/lived.h"
#include "proc/look.h"
#include "proc/mounts.h"
#include "proc/namespaces.h"
#include "proc/owners.h"
#include "proc/tell.h"
#include "proc/turns.h"
#include "proc/unlisted.h"
#include "proc/users.h"
#include "proc/walk.h"
#include "proc/written.h"

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

	/* of sockets that go */
	struct listen *listen; /* NULL: nobody listens */
	uint32_t events;       /* kinds of which the kernel tells */
	int deaf;	       /* why it does not */
	int64_t told;	       /* time of the snapshot before; INT64_MAX: there was none */
	bool last;	       /* no look comes after the next one */
	struct tell tell;
	struct lived *lived; /* of processes that come and go; NULL: nobody listens */
	int not_lived;	     /* why, a negative errno; 1: nobody asked */

	bool big_endian; /* what the options said */
	struct written written;
};

/*
 * Whether the tree is one at all; and whether one of the wanted tables exists, unless it may be that all are unknown.
 */
static int check_tree(struct skt_capture *capture, bool unknown, struct skt_err *err)
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
	if (!found && !unknown)
		return skt_err_set(err, -ENOENT, "none of the wanted tables is in 'net'");
	return 0;
}

/* stat(5) has whole seconds: whether this is the second of that instant. */
static bool in_second(int64_t when, int64_t second)
{
	return second >= 0 && when >= second && when - second < INT64_C(1000000000);
}

/* What the tree says of its host, as far as it is true. */
static int read_host(struct skt_capture *capture, struct skt_err *err)
{
	const struct meta_head *head = &capture->written.head;
	bool there = capture->written.there;
	int rc = host_read(&capture->tree, &capture->text, &capture->host);

	if (rc)
		return skt_err_sys(err, rc, "cannot begin to capture");
	capture->host.big_endian = there ? head->big_endian : capture->big_endian;
	/* an edited tree has the seconds that stand in it */
	if (there && (head->btime < 0 || in_second(head->btime, capture->host.btime)))
		capture->host.btime = head->btime;
	rc = namespaces_begin(&capture->namespaces, &capture->tree, capture->host.net_namespace);
	return rc ? skt_err_sys(err, rc, "cannot begin to capture") : 0;
}

static int begin(struct skt_capture *capture, struct skt_err *err)
{
	const struct written *written = &capture->written;
	struct statfs fs;
	int rc;

	if (fstatfs(capture->tree.fd, &fs) < 0)
		return skt_err_sys(err, -errno, "cannot open");
	capture->tree.live = fs.f_type == PROC_SUPER_MAGIC;
	ledger_init(&capture->ledger, &capture->tree);
	rc = written_read(&capture->written, &capture->tree, &capture->text, err);
	if (!rc)
		rc = check_tree(capture, written->there || written->fresh, err);
	return rc ? rc : read_host(capture, err);
}

/* That nobody can be listened to is no reason not to capture. 0 or -ENOMEM. */
static int begin_to_listen(struct skt_capture *capture)
{
	const struct skt_capture_options *options = &capture->options;

	capture->told = INT64_MAX;
	capture->not_lived = 1;
	if (!capture->tree.live || !options->interval)
		return 0;
	if (options->events_socket)
		capture->deaf = listen_new(options, capture->host.net_namespace, &capture->listen, &capture->events);
	if (options->processes_socket)
		capture->not_lived = lived_new(options, &capture->tree, &capture->lived);
	return capture->deaf == -ENOMEM || capture->not_lived == -ENOMEM ? -ENOMEM : 0;
}

static int open_capture(int proc_fd, const struct skt_capture_options *options, bool written, struct skt_capture **ret,
			struct skt_err *err)
{
	struct skt_capture *capture = calloc(1, sizeof(*capture));
	int rc;

	if (!capture)
		return skt_err_sys(err, -ENOMEM, "cannot begin to capture");
	capture->options = *options;
	capture->big_endian = options->big_endian;
	written_init(&capture->written, written);
	capture->tree = (struct tree){ .fd = proc_fd, .name = options->name };
	namespaces_init(&capture->namespaces);
	turns_init(&capture->turns, &capture->owners, &capture->ledger);
	owners_init(&capture->owners);
	mounts_init(&capture->mounts);
	users_init(&capture->users);
	skt_buf_init(&capture->text);
	rc = begin(capture, err);
	if (!rc && begin_to_listen(capture))
		rc = skt_err_sys(err, -ENOMEM, "cannot begin to capture");
	if (rc) {
		skt_err_at(err, options->name, -1);
		skt_capture_free(capture);
		return rc;
	}
	*ret = capture;
	return 0;
}

int skt_capture_open(int proc_fd, const struct skt_capture_options *options, struct skt_capture **ret,
		     struct skt_err *err)
{
	return open_capture(proc_fd, options, false, ret, err);
}

void skt_capture_free(struct skt_capture *capture)
{
	if (!capture)
		return;
	listen_free(capture->listen);
	lived_free(capture->lived);
	tell_release(&capture->tell);
	namespaces_release(&capture->namespaces);
	turns_release(&capture->turns);
	walk_release(&capture->walk);
	ledger_release(&capture->ledger);
	owners_release(&capture->owners);
	mounts_release(&capture->mounts);
	users_release(&capture->users);
	skt_buf_release(&capture->text);
	written_release(&capture->written);
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

const struct skt_place *skt_capture_place(const struct skt_capture *capture, int64_t *ret_time, int64_t *ret_boottime)
{
	if (!capture->written.there)
		return NULL;
	*ret_time = capture->written.head.time;
	*ret_boottime = capture->written.head.boottime;
	return &capture->written.place;
}

/* Who holds what: the descriptors, those who have them, and both brought together with the rows. */
static int look_for_owners(struct skt_capture *capture, struct look *look)
{
	struct ledger *ledger = &capture->ledger;
	struct owners *owners = &capture->owners;
	int rc = owners_begin(owners, look);

	if (!rc)
		rc = mounts_look(&capture->mounts, look);
	mounts_tell(&capture->mounts, look);
	if (!rc)
		rc = walk_look(&capture->walk, look, ledger, owners);
	if (!rc)
		unlisted_look(&capture->unlisted, &capture->namespaces, look, ledger, owners);
	if (!rc)
		rc = family_holders(&capture->family, look, ledger, owners, walk_crew(&capture->walk));
	walk_rest(&capture->walk, look);
	if (!rc)
		rc = owners_assign(owners, look, ledger);
	return rc ? rc : family_others(look, ledger);
}

/* One look; the snapshot's boottime is said unless `when` is negative. 0, -ENOMEM or -E2BIG. */
static int take(struct skt_capture *capture, struct look *look, int64_t when)
{
	struct skt_snapshot *snapshot = look->snapshot;
	int rc;

	rc = mounts_look(&capture->mounts, look);
	/* before the instant that is the snapshot's: what is not there any more was lost until then */
	if (!rc)
		rc = namespaces_look(&capture->namespaces, look);
	if (!rc && capture->listen)
		rc = listen_follow(capture->listen, &capture->namespaces);
	if (!rc && capture->lived)
		rc = lived_start(capture->lived);
	snapshot->boottime = look_clock(look, &snapshot->time);
	if (when >= 0)
		snapshot->boottime = when;
	/*
	 * first the tables, then the descriptors: the other way round every new socket would look as if nobody held it
	 */
	if (!rc)
		rc = turns_read(&capture->turns, &capture->namespaces, look);
	if (!rc)
		rc = look_for_owners(capture, look);
	if (!rc)
		rc = users_add(&capture->users, look);
	if (!rc)
		rc = skt_snapshot_order(snapshot);
	if (!rc && capture->listen)
		rc = listen_take(capture->listen, &capture->namespaces, capture->told, &capture->tell.waiting,
				 &capture->tell.room_waiting, &capture->tell.n_waiting, &snapshot->quality);
	if (!rc && capture->lived)
		rc = lived_take(capture->lived, snapshot, capture->last);
	capture->told = snapshot->time;
	look_clock(look, &snapshot->end);
	return rc;
}

static int take_written(struct skt_capture *capture, struct look *look, struct skt_err *err)
{
	struct written *written = &capture->written;
	struct skt_snapshot *ret;
	int rc = written_begin(written, look, &ret);

	if (!rc)
		rc = take(capture, look, written->head.boottime);
	return rc ? rc : written_end(written, look, ret, capture->host.net_namespace, err);
}

int skt_capture_next(struct skt_capture *capture, struct skt_snapshot *ret, struct skt_err *err)
{
	struct written *written = &capture->written;
	struct look look = { .tree = &capture->tree,
			     .options = &capture->options,
			     .snapshot = ret,
			     .problems = &capture->problems,
			     .mounts = &capture->mounts,
			     .text = &capture->text,
			     .whole = written->fresh };
	int rc;

	skt_snapshot_clear(ret, ret->strings);
	capture->problems.n = 0;
	capture->problems.total = 0;
	rc = written_read(written, &capture->tree, &capture->text, err);
	if (rc)
		return skt_err_at(err, capture->tree.name, -1), rc;
	capture->options.big_endian = written->there ? written->head.big_endian : capture->big_endian;
	rc = written->there ? take_written(capture, &look, err) : take(capture, &look, -1);
	if (rc == -E2BIG)
		skt_err_set(err, rc, "snapshot exceeds a limit: %u rows, %u owners or %zu bytes of text", SKT_SOCKS_MAX,
			    SKT_OWNERS_MAX, SKT_STRTAB_MAX);
	else if (rc == -ENOMEM)
		skt_err_sys(err, rc, "cannot take a snapshot");
	return rc ? (skt_err_at(err, capture->tree.name, -1), rc) : 0;
}

uint32_t skt_capture_events(const struct skt_capture *capture, int *ret_why)
{
	*ret_why = capture->deaf;
	return capture->events;
}

int skt_capture_processes(const struct skt_capture *capture)
{
	return capture->not_lived;
}

bool skt_capture_has_heard(struct skt_capture *capture)
{
	return capture->tell.n_waiting || (capture->listen && listen_has_heard(capture->listen)) ||
	       (capture->lived && lived_has_heard(capture->lived));
}

void skt_capture_last(struct skt_capture *capture)
{
	capture->last = true;
}

int skt_capture_tell(struct skt_capture *capture, struct skt_snapshot *now, struct skt_step *step)
{
	int rc = capture->listen ? tell_step(&capture->tell, now, step, capture->last)
				 : told_tell(&capture->written.on_the_way, now, step);

	return rc || !capture->lived ? rc : lived_tell(capture->lived, now, step);
}

/* Nothing is due in a tree that was just written. */
static void stand_still(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	*ret_realtime = *ret_boottime = *(const int64_t *)data;
}

int capture_written(int fd, bool big_endian, int64_t boottime, struct skt_snapshot *ret, struct skt_err *err)
{
	struct skt_capture_options options = { .name = "",
					       .tables = (1u << SKT_TABLE_KINDS) - 1,
					       .passwd_fd = -1,
					       .big_endian = big_endian,
					       .clock = { stand_still, &boottime },
					       .all_namespaces = true };
	struct skt_capture *capture;
	int rc = open_capture(fd, &options, true, &capture, err);

	if (rc)
		return rc;
	rc = skt_capture_next(capture, ret, err);
	skt_capture_free(capture);
	return rc;
}

const struct skt_err *skt_capture_problems(const struct skt_capture *capture, size_t *ret_kept, uint64_t *ret_total)
{
	*ret_kept = capture->problems.n;
	if (ret_total)
		*ret_total = capture->problems.total;
	return capture->problems.kept;
}
