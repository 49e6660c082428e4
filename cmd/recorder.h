/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_H
#define RECORDER_H

#include "changes.h"
#include "hearing.h"
#include "manners.h"
#include "rotation.h"
#include "trees.h"

#include <skt/capture.h>
#include <skt/filter.h>
#include <skt/record.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* The recorder: what was asked for, what it is at work with, and what came of it. recorder.c takes the snapshots,
   output.c puts them into a file, telling.c says what a person should know. */

#define LIVE_TREE "/proc"

/* --watch (watch.c) */
struct watch {
	bool on;
	struct changes changes;
};

struct recorder {
	/* what was asked for */
	int64_t interval;
	int64_t duration; /* 0: no end */
	uint64_t count;	  /* 0: no end */
	bool exact;	  /* ticks are due on the clock, not at random points of their intervals */
	bool quiet;	  /* nothing is said but what is wrong */
	const char *output;
	const char *tree;
	const char *trees_dir; /* NULL: one tree, looked at again and again */
	const char *note;
	uint32_t tables;
	bool own_netns; /* not all */
	int64_t netns_interval;
	int64_t full_walk;
	enum skt_sync sync;
	enum skt_cmdline cmdline;
	uint64_t max_size; /* 0: no limit */
	struct {
		uint64_t bytes;
		uint32_t share; /* or so many millionths of the filesystem */
		bool told;
	} min_free;
	bool no_events; /* nobody listens to sockets that go */
	int nice;
	bool nice_told;
	char **argv;
	struct watch watch;

	/* at work */
	struct skt_clock clock;
	struct trees trees;
	int64_t tree_time;    /* of --trees, the instant of the one that is being read, */
	char tree_path[4096]; /* and what it is called */
	int tree_fd;
	struct skt_host host;  /* boot and namespace that trees so far named */
	uint64_t tree_number;  /* of the one before, in the recording that it was written of */
	int64_t moved_by;      /* from the time that it says itself */
	int64_t interval_told; /* of the recording that the first was written of */
	int out;
	int passwd;
	char path[4096];
	struct hearing hearing;
	struct skt_capture *capture;
	struct skt_writer *writer;
	struct skt_header header; /* of the first file */
	struct rotation rotation;
	struct skt_matcher *matcher;
	struct skt_snapshot now;  /* in force: what a reader will have */
	struct skt_snapshot read; /* as just captured */
	struct skt_step step;
	bool from_nothing; /* so the next step is */
	struct spending spending;
	sigset_t signals;

	/* what came of it */
	uint64_t snapshots;
	uint64_t lost; /* of those that trees were written of, as they say */
	uint64_t missed;
	int64_t start; /* CLOCK_BOOTTIME */
	int64_t first; /* the same, of the first and the last snapshot */
	int64_t last;
	int64_t status_at;
	int64_t room_at; /* when it was last seen how much room there is */
	bool pipe_closed;
	bool write_failed; /* and was told */
	bool sync_failed;  /* the same */
	bool trouble;
	uint64_t told[256]; /* problems told already, by hash */
	size_t n_told;
	struct skt_finding found[64]; /* findings told already; whoever reads so many wants no more of them */
	size_t n_found;
	bool more_found_told;
	bool deaf_told, events_lost_told, lived_lost_told;
};

/* The words of --ticks, --netns, --cmdline and --events, as the header has them. */
extern const char *const tick_names[2];
extern const char *const netns_names[2];
extern const char *const cmdline_names[3]; /* enum skt_cmdline */
extern const char *const event_names[2];

/* Open the tree and the output, and write the header. */
int recorder_open(struct recorder *recorder, struct skt_err *err);

/* Take snapshots until the end that was asked for, a signal, or a failure. */
int recorder_run(struct recorder *recorder, struct skt_err *err);

/* Whether there is a recording: --watch alone makes none. */
static inline bool recorder_records(const struct recorder *recorder)
{
	return recorder->output || !recorder->watch.on;
}

void recorder_release(struct recorder *recorder);

/* Now, in ns since 1970, by the clock that snapshots are taken by. */
int64_t recorder_time(const struct recorder *recorder);

/* What is asked of a capture of this tree. */
struct skt_capture_options recorder_capture_options(struct recorder *recorder, const char *name);

#endif
