/* SPDX-License-Identifier: MIT */
#include "proc/links.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- links ---- */

void links_set(struct owners *owners, struct ledger_process *process, struct ledger_link *link, uint64_t inode)
{
	if (link->inode == inode && (link->row < LINK_ROWS || link->row == LINK_NONE || link->row == LINK_STRANGE))
		return;
	if (link->inode != inode)
		process->moved = owners->look;
	process->n_sockets -= link->inode != 0;
	process->n_sockets += inode != 0;
	owners_unlink(owners, link->row);
	link->inode = inode;
	link->row = owners_link(owners, inode);
}

static void drop(struct owners *owners, struct ledger_process *process, const struct ledger_link *link)
{
	process->moved = owners->look;
	process->n_sockets -= link->inode != 0;
	owners_unlink(owners, link->row);
}

void links_close(struct owners *owners, struct ledger_process *process, struct ledger_link *link)
{
	drop(owners, process, link);
	link->fd = -1;
}

void links_drop(struct owners *owners, struct ledger_process *process)
{
	for (size_t i = 0; i < process->n_links; i++)
		drop(owners, process, &process->links[i]);
	process->n_links = 0;
	process->visited = false;
	process->zombie = false;
}

size_t links_from(const struct ledger_process *process, int32_t fd)
{
	/* none is negative */
	return array_below(process->links, process->n_links, sizeof(*process->links), offsetof(struct ledger_link, fd),
			   (uint32_t)fd);
}

int links_insert(struct ledger_process *process, size_t at, int32_t fd)
{
	if (array_room(&process->links, &process->room_links, process->n_links + 1, sizeof(*process->links)))
		return -ENOMEM;
	memmove(process->links + at + 1, process->links + at, (process->n_links - at) * sizeof(*process->links));
	process->links[at] = (struct ledger_link){ .fd = fd, .row = LINK_UNREAD };
	process->n_links++;
	return 0;
}

void links_sweep(struct ledger_process *process, size_t from)
{
	size_t n = from;

	for (size_t i = from; i < process->n_links; i++)
		if (process->links[i].fd >= 0)
			process->links[n++] = process->links[i];
	process->n_links = n;
}

/* ---- lists ---- */

int link_list_read(struct link_list *list, int fds, struct names *names, const struct ledger *ours)
{
	int rc = fds < 0 ? fds : 1;
	const char *name;

	names_begin(names, fds);
	while (rc > 0 && (rc = names_next(names, &name)) > 0) {
		int64_t fd = tree_number(name, INT32_MAX);

		if (fd < 0)
			continue;
		/* handles on directories are no sockets */
		if (ours && (size_t)fd < ours->room_is_handle && ours->is_handle[fd])
			continue;
		if (array_room(&list->links, &list->room, list->n + 1, sizeof(*list->links)))
			rc = -ENOMEM;
		else
			list->links[list->n++] = (struct ledger_link){ .fd = (int32_t)fd, .row = LINK_UNREAD };
	}
	return rc;
}

int links_compare(const void *a, const void *b)
{
	const struct ledger_link *x = a, *y = b;

	if (x->fd != y->fd)
		return x->fd < y->fd ? -1 : 1;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

void link_list_sort(struct link_list *list)
{
	for (size_t i = 1; i < list->n; i++) {
		if (links_compare(&list->links[i - 1], &list->links[i]) < 0)
			continue;
		qsort(list->links, list->n, sizeof(*list->links), links_compare);
		break;
	}
}

/* What is known of those that are still there goes over into the list, which then takes the place. */
void links_take(struct owners *owners, struct ledger_process *process, struct link_list *list)
{
	struct ledger_link *links = process->links;
	size_t room = process->room_links, i = 0;

	for (size_t k = 0; k < list->n; k++) {
		while (i < process->n_links && links[i].fd < list->links[k].fd)
			drop(owners, process, &links[i++]);
		if (i < process->n_links && links[i].fd == list->links[k].fd)
			list->links[k] = links[i++];
	}
	while (i < process->n_links)
		drop(owners, process, &links[i++]);
	process->n_links = list->n;
	/* where nothing has come or gone its own array stays, for it has just the room it needs */
	if (list->n <= room) {
		if (list->n)
			memcpy(links, list->links, list->n * sizeof(*links));
		return;
	}
	process->links = list->links;
	process->room_links = list->room;
	list->links = links;
	list->room = room;
}
