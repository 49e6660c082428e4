/* SPDX-License-Identifier: MIT */
#ifndef ROOM_H
#define ROOM_H

#include <skt/err.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * A directory of our own, for trees that must not outlive us. It is planned before it is made, so that whoever is left
 * to clean up knows what it is called; all of it is reached from the directory that it lies in, whatever becomes of
 * that one's name.
 *
 *	PARENT/.sockreplay-f00d.../	0700
 *		tree			the tree that there is; or a link to it, while time moves
 *		17			that of snapshot 17, while time moves
 *	PARENT/LINK			the link, where it has been given another place
 */
struct room {
	int parent;		/* -1: there is none */
	char parent_path[4096]; /* absolute */
	char name[64];
	char link[256]; /* what the link in PARENT is called; "": it is in the room */
	int fd;		/* -1: it is not made */
};

#define ROOM_LINK "tree"

#define ROOM_NONE                      \
	{                              \
		.parent = -1, .fd = -1 \
	}

/*
 * Choose a place in this directory. Nothing is made; but rooms in it whose keeper was killed together with its face are
 * removed, and so is, beside a path, a link that led into one. A keeper holds a lock (flock(2)) on its room as long as
 * it lives.
 */
int room_plan(struct room *room, const char *dir, struct skt_err *err);

/* Beside this path, for what is to be renamed to it: its last part is room->link. */
int room_plan_beside(struct room *room, const char *path, struct skt_err *err);

/* Make it. */
int room_make(struct room *room, struct skt_err *err);

/* Make a directory in it, and open it: a descriptor. */
int room_directory(const struct room *room, const char *name, struct skt_err *err);

/* The absolute path of something in it, and of the link. 0, or -ENAMETOOLONG. */
int room_path(const struct room *room, const char *name, char *ret, size_t size, struct skt_err *err);
int room_link_path(const struct room *room, char *ret, size_t size, struct skt_err *err);

/* Remove a directory in `dir` and all that is in it; true: nothing of it is left. No link is followed. */
bool room_clear(int dir, const char *name);

/*
 * Have the link lead to this directory of it, whatever it led to before, in one step. `first`: it must not exist yet.
 */
int room_turn(struct room *room, const char *name, bool first, struct skt_err *err);

/* Remove all of it, the link too. Harmless where nothing was made, or somebody else did it. */
bool room_remove(struct room *room);

#endif
