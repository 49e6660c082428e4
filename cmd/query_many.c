/* SPDX-License-Identifier: MIT */
#include "query_many.h"

#include "cli.h"
#include "query_merge.h"
#include "status.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What one process leaves behind, in memory that is shared with it. */
struct outcome {
	uint64_t matched;
	uint64_t rows;
	struct tally tally;
	bool trouble;
	bool no;
	bool unsure;
	bool answered; /* it came to its end */
};

struct job {
	pid_t pid; /* 0: not begun, or ended */
	FILE *out;
	FILE *err;
	FILE *rows; /* for an answer that is one of all; else NULL */
	bool ended;
};

struct crowd {
	struct query *query;
	char *const *operands;
	size_t n;
	struct job *jobs;
	struct outcome *outcomes;
	size_t begun;
	size_t running;
	size_t ended;
	size_t told;
	bool headed; /* the names of the columns of csv have been put */
	bool progress;
};

/* Answers that wait to be told are open files, three each: of these a process may have a thousand. */
#define WAITING_MOST 200

static void fail(const char *what)
{
	cli_say("%s: %s", what, strerror(errno));
	exit(CLI_TROUBLE);
}

/* In the new process: what is to be put together with that of the others. */
static void answer_part(struct query *query, const char *operand, FILE *file,
			void (*ask)(struct query *query, const char *operand))
{
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	query->merge = NULL;
	rc = merge_new(query, &query->merge);
	if (!rc) {
		ask(query, operand);
		rc = merge_send(query->merge, file, &err);
	} else {
		skt_err_set(&err, rc, "out of memory");
	}
	if (rc) {
		cli_err(&err);
		query->trouble = true;
	}
}

/* In the new process. Nobody else reads what it says, so it is all there before it ends. */
_Noreturn static void work(struct crowd *crowd, size_t i, void (*ask)(struct query *query, const char *operand))
{
	struct query *query = crowd->query;
	struct outcome *outcome = &crowd->outcomes[i];
	const struct job *job = &crowd->jobs[i];

	/* whoever asked is gone: nobody wants to know */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(fileno(job->out), STDOUT_FILENO) < 0 || dup2(fileno(job->err), STDERR_FILENO) < 0)
		_exit(CLI_TROUBLE);
	/* what others said before is not its own */
	query->render.rows = 0;
	query->matched = 0;
	query->tally = (struct tally){ .snapshots = 0 };
	query->trouble = query->no = query->unsure = false;
	if (job->rows)
		answer_part(query, crowd->operands[i], job->rows, ask);
	else
		ask(query, crowd->operands[i]);
	cli_write(&query->out);
	outcome->trouble = query->trouble || !cli_flush();
	outcome->matched = query->matched;
	outcome->rows = query->render.rows;
	outcome->tally = query->tally;
	outcome->no = query->no;
	outcome->unsure = query->unsure;
	outcome->answered = true;
	_exit(0);
}

static void begin(struct crowd *crowd, void (*ask)(struct query *query, const char *operand))
{
	struct job *job = &crowd->jobs[crowd->begun];

	job->out = tmpfile();
	job->err = tmpfile();
	if (crowd->query->merge)
		job->rows = tmpfile();
	if (!job->out || !job->err || (crowd->query->merge && !job->rows))
		fail("cannot make a temporary file");
	job->pid = fork();
	if (job->pid < 0)
		fail("cannot start a process");
	if (!job->pid)
		work(crowd, crowd->begun, ask);
	crowd->begun++;
	crowd->running++;
}

/* ---- what they said ---- */

/*
 * The number in front of a line of csv counts the rows of all. Within a record there is no line end: all are escaped.
 */
static void renumber(struct crowd *crowd, const char *line, size_t len, bool heading)
{
	struct skt_buf *out = &crowd->query->out;
	const struct query *query = crowd->query;
	bool numbered = !query->fields && !query->count_by && !query->every;
	char *end = (char *)(uintptr_t)line;
	unsigned long long row = numbered ? strtoull(line, &end, 10) : 0;

	if (!numbered && !(heading && query->render.heading)) {
		skt_buf_add(out, line, len);
		return;
	}
	if (end == line) {
		/* the heading */
		if (!crowd->headed)
			skt_buf_add(out, line, len);
		crowd->headed = true;
		return;
	}
	skt_buf_number(out, row + crowd->query->render.rows);
	skt_buf_add(out, end, len - (size_t)(end - line));
}

static void relay_csv(struct crowd *crowd, FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	bool first = true;
	ssize_t len;

	while ((len = getline(&line, &room, file)) > 0) {
		renumber(crowd, line, (size_t)len, first);
		first = false;
		cli_write(&crowd->query->out);
	}
	free(line);
}

static void relay(struct crowd *crowd, FILE *file)
{
	struct query *query = crowd->query;
	bool first = true;
	char bytes[65536];
	size_t n;

	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		/* each of them believes that its objects are the first of the array */
		if (first && query->render.format == SKT_FORMAT_JSON && query->render.rows)
			skt_buf_byte(&query->out, ',');
		first = false;
		skt_buf_add(&query->out, bytes, n);
		cli_write(&query->out);
	}
}

static void relay_messages(FILE *file)
{
	char bytes[65536];
	size_t n;

	/* escaped already, by the process that wrote them */
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		if (fwrite(bytes, 1, n, stderr) < n)
			return;
}

/* What is to be put together: it is that of one who came to the end. */
static void receive(struct crowd *crowd, const struct job *job, bool answered)
{
	struct query *query = crowd->query;
	struct skt_err err;

	skt_err_init(&err);
	if (!answered) {
		fclose(job->rows);
	} else if (merge_receive(query->merge, job->rows, &err)) {
		cli_say("%s: %s", crowd->operands[crowd->told], err.message);
		query->trouble = true;
	}
}

static void tell(struct crowd *crowd)
{
	struct query *query = crowd->query;
	struct job *job = &crowd->jobs[crowd->told];
	const struct outcome *outcome = &crowd->outcomes[crowd->told];
	bool rows = !query->info && !query->verify && !query->coverage;

	rewind(job->out);
	rewind(job->err);
	status_clear();
	if (rows && query->render.format == SKT_FORMAT_CSV)
		relay_csv(crowd, job->out);
	else
		relay(crowd, job->out);
	cli_flush();
	relay_messages(job->err);
	if (job->rows)
		receive(crowd, job, outcome->answered);
	if (!outcome->answered) {
		cli_say("%s: its answer broke off", crowd->operands[crowd->told]);
		tally_add(&query->tally, VERDICT_UNREAD, 0, 0, 0);
	}
	query->trouble |= outcome->trouble || !outcome->answered;
	query->no |= outcome->no;
	query->unsure |= outcome->unsure;
	query->matched += outcome->matched;
	tally_join(&query->tally, &outcome->tally);
	/* rows that are put together are counted when they are shown */
	query->render.rows += job->rows ? 0 : outcome->rows;
	fclose(job->out);
	fclose(job->err);
	crowd->told++;
}

static void await_one(struct crowd *crowd)
{
	pid_t pid;

	do {
		pid = waitpid(-1, NULL, 0);
	} while (pid < 0 && errno == EINTR);
	if (pid < 0)
		fail("cannot wait for a process");
	for (size_t i = crowd->told; i < crowd->begun; i++) {
		if (crowd->jobs[i].pid != pid)
			continue;
		crowd->jobs[i].pid = 0;
		crowd->jobs[i].ended = true;
		crowd->running--;
		crowd->ended++;
	}
	if (crowd->progress) {
		char text[64];

		snprintf(text, sizeof(text), "%zu of %zu recordings", crowd->ended, crowd->n);
		status_show(text);
	}
}

static void show_together(struct query *query)
{
	struct skt_err err;

	skt_err_init(&err);
	if (merge_show(query->merge, &err)) {
		cli_err(&err);
		query->trouble = true;
	}
	merge_free(query->merge);
	query->merge = NULL;
}

void query_many(struct query *query, char *const *operands, size_t n,
		void (*ask)(struct query *query, const char *operand))
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t at_once = processors > 1 ? (size_t)processors : 1;
	/* and no more than a few for each processor */
	size_t waiting = 16 * at_once < WAITING_MOST ? 16 * at_once : WAITING_MOST;
	struct crowd crowd = {
		.query = query, .operands = operands, .n = n, .progress = isatty(STDERR_FILENO) && isatty(STDOUT_FILENO)
	};

	crowd.jobs = calloc(n, sizeof(*crowd.jobs));
	crowd.outcomes =
		mmap(NULL, n * sizeof(*crowd.outcomes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!crowd.jobs || crowd.outcomes == MAP_FAILED)
		fail("cannot ask several recordings");
	if (shape_is_merged(query) && merge_new(query, &query->merge))
		fail("cannot ask several recordings");
	/* what is in a buffer would be written by each of them */
	cli_write(&query->out);
	cli_flush();
	while (crowd.told < n) {
		while (crowd.begun < n && crowd.running < at_once && crowd.begun - crowd.told < waiting)
			begin(&crowd, ask);
		if (crowd.jobs[crowd.told].ended)
			tell(&crowd);
		else
			await_one(&crowd);
	}
	status_clear();
	if (query->merge)
		show_together(query);
	munmap(crowd.outcomes, n * sizeof(*crowd.outcomes));
	free(crowd.jobs);
}
