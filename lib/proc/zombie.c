/* SPDX-License-Identifier: MIT */
#include "proc/zombie.h"

#include "base/array.h"
#include "proc/links.h"

#include <errno.h>
#include <unistd.h>

/*
 * The descriptors that one thread shows, asked, behind those of the others in scratch. Fewer when one is closed
 * meanwhile.
 */
static int read_thread(struct visit *visit, int thread)
{
	struct ledger *ledger = visit->ledger;
	size_t first = ledger->scratch.n, n = first;
	int fds = ledger_open_at(ledger, visit->look, thread, "fd", TREE_DIRECTORY), rc = visit_list_fds(visit, fds);

	for (size_t i = first; !rc && i < ledger->scratch.n; i++) {
		struct ledger_link link = ledger->scratch.links[i];

		rc = visit_ask_one(visit, fds, link.fd, &link.inode);
		if (!rc)
			ledger->scratch.links[n++] = link;
		else if (rc == -ENOENT)
			rc = 0;
	}
	ledger->scratch.n = n;
	if (fds >= 0)
		close(fds);
	return rc;
}

/* The threads' links, each once, take the place of those that were known. */
static int take_threads(struct visit *visit)
{
	struct ledger_process *process = visit->process;
	struct ledger *ledger = visit->ledger;

	link_list_sort(&ledger->scratch);
	if (array_room(&process->links, &process->room_links, ledger->scratch.n, sizeof(*process->links)))
		return -ENOMEM;
	links_drop(visit->owners, visit->process);
	for (size_t i = 0; i < ledger->scratch.n; i++) {
		const struct ledger_link *link = &ledger->scratch.links[i];

		if (i && !links_compare(link - 1, link))
			continue;
		process->links[process->n_links] = *link;
		process->links[process->n_links++].row = owners_link(visit->owners, link->inode);
		process->n_sockets += link->inode != 0;
	}
	process->zombie = process->n_links != 0;
	process->count = 0;
	return 0;
}

int zombie_visit(struct visit *visit)
{
	struct ledger *ledger = visit->ledger;
	int tasks = ledger_open_at(ledger, visit->look, visit->dir, "task", TREE_DIRECTORY), rc = tasks < 0 ? tasks : 1;
	const char *name;

	ledger->scratch.n = 0;
	names_begin(&ledger->threads, tasks);
	while (rc > 0 && (rc = names_next(&ledger->threads, &name)) > 0) {
		int64_t tid = tree_number(name, SKT_PID_MAX);
		int thread;

		if (tid <= 0)
			continue;
		thread = ledger_open_at(ledger, visit->look, tasks, name, TREE_DIRECTORY | TREE_HANDLE);
		if (thread < 0)
			continue;
		rc = read_thread(visit, thread);
		close(thread);
		/* the leader itself is among them, and denied to all but root */
		rc = tree_is_denied(rc) && tid == visit->process->pid ? 0 : rc;
		rc = rc == -ENOENT || rc == -ESRCH || !rc ? 1 : rc;
	}
	if (tasks >= 0)
		close(tasks);
	rc = rc == -ENOENT ? 0 : rc;
	return rc ? rc : take_threads(visit);
}
