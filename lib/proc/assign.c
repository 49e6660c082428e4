/* SPDX-License-Identifier: MIT */
/* The end of a look: what is known of inodes becomes the owners of rows. */
#include "proc/owners.h"

#include "base/array.h"

#include <errno.h>

static void end_look(struct owners *owners, const struct look *look)
{
	const struct skt_quality *quality = &look->snapshot->quality;

	if (owners->completing) {
		owners->completing = false;
		owners->complete_before = owners->complete;
		owners->complete = owners->begun;
		owners->gaps_before = owners->gaps;
		owners->gaps =
			(uint8_t)((quality->denied ? SKT_GAP_DENIED : 0) | (quality->vanished ? SKT_GAP_VANISHED : 0));
	} else if (!quality->vanished) {
		owners->gaps &= (uint8_t)~SKT_GAP_VANISHED;
	}
	/*
	 * whoever had it has it no more, and who has it now was not found: from here on it is looked for as if it were
	 * new
	 */
	for (size_t i = 0; look->tree->live && i < owners->n_inodes; i++) {
		struct owners_inode *inode = &owners->inodes[i];

		if (inode->n_links)
			continue;
		inode->missed = owners_is_seen(owners, inode);
		if (!inode->held)
			continue;
		inode->held = false;
		inode->born = owners->begun;
	}
}

/* No inode: a connection that waits to be accepted, or what is left of one. */
static uint8_t state_without_inode(const struct look *look, const struct skt_sock *sock)
{
	if (!skt_table_kind_is_tcp(look->snapshot->tables[sock->table].kind))
		return SKT_OWNER_DETACHED;
	switch (sock->state) {
	case SKT_ESTABLISHED:
	case SKT_CLOSE_WAIT:
	case SKT_SYN_RECV:
	case SKT_NEW_SYN_RECV:
		return SKT_OWNER_QUEUED;
	default:
		return SKT_OWNER_DETACHED;
	}
}

/* Over all rows: in a tree many rows can share an inode that has many links. */
static uint64_t count_owners(const struct owners *owners, const struct skt_snapshot *snapshot)
{
	uint64_t n = 0;

	for (size_t i = 0; i < snapshot->n_socks; i++)
		if (owners->inode_of[i] != MAP_NONE)
			n += owners->inodes[owners->inode_of[i]].n_links;
	return n;
}

/*
 * The owners of all inodes into `run`, each inode's from its `first`: by pid and fd, for that is how the ledger has
 * them.
 */
static int make_runs(struct owners *owners, const struct ledger *ledger)
{
	size_t n = 0;

	for (size_t i = 0; i < owners->n_inodes; i++) {
		owners->inodes[i].first = (uint32_t)n;
		n += owners->inodes[i].n_links;
		owners->inodes[i].n_links = 0;
	}
	if (array_room(&owners->run, &owners->room_run, n, sizeof(*owners->run)))
		return -ENOMEM;
	for (size_t i = 0; i < ledger->n_processes; i++) {
		const struct ledger_process *process = &ledger->processes[i];

		for (size_t k = 0; k < process->n_links; k++) {
			const struct ledger_link *link = &process->links[k];
			struct owners_inode *inode;

			if (link->row >= LINK_ROWS || !process->added)
				continue;
			inode = &owners->inodes[link->row];
			owners->run[inode->first + inode->n_links++] =
				(struct skt_owner){ .process = process->slot, .fd = link->fd };
		}
	}
	return 0;
}

static void tell_unheld(const struct look *look, const struct owners_inode *inode)
{
	struct skt_finding finding = { .kind = SKT_FINDING_UNHELD,
				       .table = inode->kind,
				       .fd = -1,
				       .inode = inode->inode,
				       .net_namespace = inode->net_namespace };

	skt_quality_add(&look->snapshot->quality, &finding);
}

static void assign_nobody(const struct owners *owners, const struct look *look, struct owners_inode *inode,
			  struct skt_sock *sock)
{
	/* the first round may have come between two holders; a tree does not move */
	bool proven = look->tree->live ? owners->complete_before > inode->born && !owners->gaps_before
				       : owners->complete > inode->born;

	if (proven && !sock->owner_gaps && !inode->unheld)
		inode->unheld = owners->complete;
	if (inode->unheld && !(sock->owner_gaps & SKT_GAP_DENIED)) {
		sock->owner = SKT_OWNER_UNHELD;
		sock->owner_gaps = 0;
		if (look->tree->live && owners->complete > inode->unheld)
			tell_unheld(look, inode);
		return;
	}
	/* nothing was missed, and yet this round alone proves nothing: the next one is still to come */
	sock->owner = SKT_OWNER_UNKNOWN;
	if (!sock->owner_gaps)
		sock->owner_gaps = SKT_GAP_UNSEARCHED;
}

int owners_assign(struct owners *owners, struct look *look, const struct ledger *ledger)
{
	struct skt_snapshot *snapshot = look->snapshot;
	uint8_t gap = snapshot->quality.denied ? SKT_GAP_DENIED : 0;
	int rc = 0;

	end_look(owners, look);
	if (count_owners(owners, snapshot) > SKT_OWNERS_MAX)
		rc = -E2BIG;
	if (!rc)
		rc = make_runs(owners, ledger);
	for (size_t i = 0; !rc && i < snapshot->n_socks; i++) {
		struct skt_sock *sock = &snapshot->socks[i];
		struct owners_inode *inode;

		if (owners->inode_of[i] == MAP_NONE) {
			sock->owner = state_without_inode(look, sock);
			continue;
		}
		inode = &owners->inodes[owners->inode_of[i]];
		sock->owner_gaps = gap | (owners->complete > inode->born ? owners->gaps : SKT_GAP_UNSEARCHED);
		if (!inode->n_links) {
			assign_nobody(owners, look, inode, sock);
			continue;
		}
		sock->owner = SKT_OWNER_HELD;
		sock->n_owners = inode->n_links;
		rc = skt_snapshot_add_owners(snapshot, owners->run + inode->first, inode->n_links, &sock->first_owner);
	}
	return rc;
}
