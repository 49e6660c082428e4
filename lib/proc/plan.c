/* SPDX-License-Identifier: MIT */
#include "proc/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void plan_release(struct plan *plan)
{
	free(plan->in_tree);
	free(plan->spaces);
	free(plan->links);
	memset(plan, 0, sizeof(*plan));
}

/* ---- processes ---- */

struct numbered {
	uint32_t pid;
	uint32_t slot;
};

static int by_pid(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* An exited process has no directory, and no kernel has one for a number that is none of its. */
static int plan_processes(struct plan *plan, const struct skt_snapshot *snapshot)
{
	struct numbered *all = calloc(snapshot->n_processes + 1, sizeof(*all));
	size_t n = 0;

	plan->in_tree = calloc(snapshot->n_processes + 1, sizeof(*plan->in_tree));
	if (!all || !plan->in_tree) {
		free(all);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < snapshot->n_processes; i++) {
		const struct skt_process *process = &snapshot->processes[i];

		if (!process->exited && process->pid && process->pid <= SKT_PID_MAX)
			all[n++] = (struct numbered){ .pid = process->pid, .slot = i };
	}
	qsort(all, n, sizeof(*all), by_pid);
	for (size_t i = 0; i < n; i++)
		plan->in_tree[all[i].slot] = !i || all[i].pid != all[i - 1].pid;
	free(all);
	return 0;
}

/* ---- namespaces ---- */

static int by_namespace(const void *a, const void *b)
{
	const struct plan_space *x = a, *y = b;

	return x->net_namespace < y->net_namespace ? -1 : x->net_namespace > y->net_namespace;
}

static struct plan_space *find_space(const struct plan *plan, uint64_t net_namespace)
{
	struct plan_space wanted = { .net_namespace = net_namespace };

	return plan->n_spaces ? bsearch(&wanted, plan->spaces, plan->n_spaces, sizeof(wanted), by_namespace) : NULL;
}

static int plan_spaces(struct plan *plan, const struct skt_snapshot *snapshot)
{
	size_t n = 0;

	plan->spaces = calloc(snapshot->n_tables + 1, sizeof(*plan->spaces));
	if (!plan->spaces)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n_tables; i++) {
		const struct skt_table *table = &snapshot->tables[i];

		if (!table->gone && table->net_namespace && table->net_namespace != plan->own)
			plan->spaces[n++].net_namespace = table->net_namespace;
	}
	qsort(plan->spaces, n, sizeof(*plan->spaces), by_namespace);
	for (size_t i = 0; i < n; i++)
		if (!i || by_namespace(&plan->spaces[i], &plan->spaces[plan->n_spaces - 1]) != 0)
			plan->spaces[plan->n_spaces++] = plan->spaces[i];
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct skt_process *process = &snapshot->processes[i];
		struct plan_space *space = plan->in_tree[i] ? find_space(plan, process->net_namespace) : NULL;

		if (space && process->has & SKT_BIT(SKT_P_NET_NAMESPACE) &&
		    (!space->lender || process->pid < space->lender))
			space->lender = process->pid;
	}
	return 0;
}

uint32_t plan_lender(const struct plan *plan, uint64_t net_namespace)
{
	const struct plan_space *space = find_space(plan, net_namespace);

	return space ? space->lender : 0;
}

/* ---- descriptors ---- */

static int by_descriptor(const void *a, const void *b)
{
	const struct plan_link *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->fd != y->fd)
		return x->fd < y->fd ? -1 : 1;
	if (x->doubtful != y->doubtful)
		return x->doubtful ? 1 : -1;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static int plan_links(struct plan *plan, const struct skt_snapshot *snapshot)
{
	size_t room = 0, n = 0;

	for (size_t i = 0; i < snapshot->n_socks; i++)
		if (snapshot->socks[i].table != SKT_NO_TABLE)
			room += snapshot->socks[i].n_owners;
	plan->links = calloc(room + 1, sizeof(*plan->links));
	if (!plan->links)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n_socks; i++) {
		const struct skt_sock *sock = &snapshot->socks[i];

		/* what has no inode is held by no link */
		if (sock->table == SKT_NO_TABLE || !sock->inode)
			continue;
		for (uint32_t k = 0; k < sock->n_owners; k++) {
			const struct skt_owner *owner = &snapshot->owners[sock->first_owner + k];

			if (!plan->in_tree[owner->process] || owner->fd < 0)
				continue;
			plan->links[n++] = (struct plan_link){
				.process = owner->process,
				.fd = owner->fd,
				.doubtful = sock->owner != SKT_OWNER_HELD ||
					    snapshot->tables[sock->table].status != SKT_TABLE_FRESH,
				.inode = sock->inode,
			};
		}
	}
	qsort(plan->links, n, sizeof(*plan->links), by_descriptor);
	for (size_t i = 0; i < n; i++) {
		const struct plan_link *link = &plan->links[i], *last = i ? &plan->links[plan->n_links - 1] : NULL;

		if (!last || link->process != last->process || link->fd != last->fd)
			plan->links[plan->n_links++] = *link;
	}
	return 0;
}

int plan_make(struct plan *plan, const struct skt_snapshot *snapshot, uint64_t own)
{
	int rc;

	memset(plan, 0, sizeof(*plan));
	plan->own = own;
	for (size_t i = 0; !own && i < snapshot->n_tables; i++) {
		if (snapshot->tables[i].gone)
			continue;
		plan->own = snapshot->tables[i].net_namespace;
		break;
	}
	rc = plan_processes(plan, snapshot);
	if (!rc)
		rc = plan_spaces(plan, snapshot);
	return rc ? rc : plan_links(plan, snapshot);
}
