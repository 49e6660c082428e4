/* SPDX-License-Identifier: MIT */
/*
 * Trouble to order: loaded into sockrec (LD_PRELOAD), this makes the calls by which it writes fail as bad disks make
 * them, ends or stops it at a chosen byte, and lets its clock run as fast as it can work, so that no test waits for a
 * tick or depends on one being punctual. The environment says what to do:
 *
 *	TROUBLE		rules CALL:CALLS:WHAT, with blanks between them. CALL is one of
 *				write	writev(2)
 *				cut	ftruncate(2)
 *				sync	fdatasync(2)
 *				wait	sigtimedwait(2), once after each snapshot
 *			CALLS says which of them, each kind counted from 1: "3", "3-5", or "3-" for all from then on.
 *			WHAT is
 *				EIO	or another errno known below: the call fails with it, and does nothing
 *				SLEEP	the call takes 700 ms longer
 *				KILL	or STOP: this signal comes before the call
 *				100	a write takes that many bytes, or all but one where there are no more
 *				100:EIO	and the call after it fails
 *				100:KILL	or STOP: after them, the signal comes
 *	TROUBLE_LOG	a file: gets a line for each call, "write 3 100 -1 EIO" (what was asked for, of a wait in ms,
 *			and what was returned), before what comes of it is known to the caller. It outlives a caller
 *			that is killed.
 *	TROUBLE_CLOCK	a wait takes no time, but the clocks have moved on by it when it is over. It lasts until the
 *			thread that writes has nothing more to do, and every other one has ended, so that what is
 *			written when does not hang on how busy the machine is
 *	TROUBLE_TREE	a tree of files that changes: before the first snapshot then/0 becomes net/tcp, and after each
 *			wait the next, from the last one on to then/0 again
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum call { WRITE, CUT, SYNC, WAIT, CALLS };

static const char *const call_names[CALLS] = { "write", "cut", "sync", "wait" };
static const struct {
	const char *name;
	int number;
} errors[] = {
	{ "EIO", EIO },	    { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT }, { "EFBIG", EFBIG },
	{ "EINTR", EINTR }, { "EAGAIN", EAGAIN }, { "EINVAL", EINVAL }, { "EROFS", EROFS },
};

struct rule {
	enum call call;
	unsigned long from, to;
	long bytes; /* -1: not said */
	int error;  /* 0: none */
	int signal;
	bool sleep;
};

static struct rule rules[32];
static size_t n_rules;
static unsigned long counts[CALLS];
static int pending; /* the error of the next write */
static int log_fd = -1, tree_fd = -1;
static unsigned long n_then;
static bool fast;
static atomic_bool busy;  /* the thread that writes has been given something to do */
static atomic_int others; /* threads but that one, which is the first to be created */
static long long passed;  /* ns that the clocks are ahead */

/* A test that is wrong must not look like one that passes. */
static void die(const char *what)
{
	dprintf(STDERR_FILENO, "preload_trouble: %s\n", what);
	_exit(99);
}

/* The function that this one stands before. ISO C does not turn a pointer to data into one to code. */
static void find(const char *name, void *ret)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (!found)
		die(name);
	memcpy(ret, &found, sizeof(found));
}

static int error_of(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].number;
	return 0;
}

static const char *name_of(int error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].number == error)
			return errors[i].name;
	return "?";
}

static void read_rule(char *text)
{
	struct rule *rule = &rules[n_rules++];
	char *at, *call = strtok_r(text, ":", &at), *calls = strtok_r(NULL, ":", &at), *what;
	char *end;

	*rule = (struct rule){ .bytes = -1 };
	while (call && rule->call < CALLS && strcmp(call_names[rule->call], call) != 0)
		rule->call++;
	if (!calls || rule->call == CALLS)
		die(text);
	rule->from = rule->to = strtoul(calls, &end, 10);
	if (*end == '-')
		rule->to = end[1] ? strtoul(end + 1, &end, 10) : -1UL;
	while ((what = strtok_r(NULL, ":", &at))) {
		if (*what >= '0' && *what <= '9')
			rule->bytes = strtol(what, NULL, 10);
		else if (!strcmp(what, "SLEEP"))
			rule->sleep = true;
		else if (!strcmp(what, "KILL"))
			rule->signal = SIGKILL;
		else if (!strcmp(what, "STOP"))
			rule->signal = SIGSTOP;
		else if (!(rule->error = error_of(what)))
			die(what);
	}
	if (rule->bytes < 0 && !rule->error && !rule->signal && !rule->sleep)
		die("a rule says nothing");
	if (rule->bytes >= 0 && rule->call != WRITE)
		die("only writes have bytes");
}

static void change_tree(unsigned long n)
{
	char name[32];

	if (tree_fd < 0)
		return;
	snprintf(name, sizeof(name), "then/%lu", n % n_then);
	/*
	 * one takes the other's place at once, for this may be killed at any moment; where both are the same file,
	 * rename(2) leaves both
	 */
	unlinkat(tree_fd, "net/next", 0);
	if (linkat(tree_fd, name, tree_fd, "net/next", 0) || renameat(tree_fd, "net/next", tree_fd, "net/tcp"))
		die(name);
	unlinkat(tree_fd, "net/next", 0);
}

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("TROUBLE"), *log = getenv("TROUBLE_LOG"), *tree = getenv("TROUBLE_TREE");
	char *copy = text ? strdup(text) : NULL, *at = NULL, name[32];

	/* one that hangs, or is stopped, does not outlive the test that began it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (char *rule = copy ? strtok_r(copy, " ", &at) : NULL; rule; rule = strtok_r(NULL, " ", &at)) {
		if (n_rules == sizeof(rules) / sizeof(*rules))
			die("too many rules");
		read_rule(rule);
	}
	free(copy);
	fast = getenv("TROUBLE_CLOCK") != NULL;
	if (log)
		log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (tree)
		tree_fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if ((log && log_fd < 0) || (tree && tree_fd < 0))
		die("cannot open the log, or the tree");
	do
		snprintf(name, sizeof(name), "then/%lu", ++n_then);
	while (tree && !faccessat(tree_fd, name, F_OK, 0));
	change_tree(0);
}

/* The rule for this call, counted hereby. */
static const struct rule *next_rule(enum call call)
{
	unsigned long n = ++counts[call];

	for (size_t i = 0; i < n_rules; i++)
		if (rules[i].call == call && n >= rules[i].from && n <= rules[i].to)
			return &rules[i];
	return NULL;
}

static void log_call(enum call call, long asked, long returned)
{
	if (log_fd >= 0)
		dprintf(log_fd, "%s %lu %ld %ld%s%s\n", call_names[call], counts[call], asked, returned,
			returned < 0 ? " " : "", returned < 0 ? name_of(errno) : "");
}

/* A call that returns 0: whether the rule lets it be made. */
static bool may_call(const struct rule *rule)
{
	if (rule && rule->signal)
		raise(rule->signal);
	if (rule && rule->sleep)
		usleep(700000);
	if (!rule || !rule->error)
		return true;
	errno = rule->error;
	return false;
}

/* As many of the parts as have this many bytes, the last one perhaps shortened. */
static int shorten(const struct iovec *parts, int n, size_t bytes, struct iovec *ret)
{
	int used = 0;

	for (; used < n && bytes; used++) {
		ret[used] = parts[used];
		if (ret[used].iov_len > bytes)
			ret[used].iov_len = bytes;
		bytes -= ret[used].iov_len;
	}
	return used;
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
	ssize_t (*real)(int, const struct iovec *, int);
	const struct rule *rule = next_rule(WRITE);
	struct iovec some[16];
	size_t asked = 0;
	ssize_t wrote = -1;

	find("writev", &real);
	for (int i = 0; i < n; i++)
		asked += parts[i].iov_len;
	if (n > 16)
		die("too many parts");
	if (pending) {
		errno = pending;
		pending = 0;
	} else if (rule && rule->bytes >= 0) {
		size_t most = asked > 1 ? asked - 1 : asked;
		size_t bytes = (size_t)rule->bytes < most ? (size_t)rule->bytes : most;

		wrote = bytes ? real(fd, some, shorten(parts, n, bytes, some)) : 0;
		pending = rule->error;
		if (rule->signal)
			raise(rule->signal);
	} else if (may_call(rule)) {
		wrote = real(fd, parts, n);
	}
	log_call(WRITE, (long)asked, wrote);
	return wrote;
}

int ftruncate64(int fd, off_t length)
{
	int (*real)(int, off_t);
	int rc;

	find("ftruncate64", &real);
	rc = may_call(next_rule(CUT)) ? real(fd, length) : -1;
	log_call(CUT, (long)length, rc);
	return rc;
}

int fdatasync(int fd)
{
	int rc;

	/* the disk is not asked: what it keeps nobody here will see */
	(void)fd;
	rc = may_call(next_rule(SYNC)) ? 0 : -1;
	log_call(SYNC, 0, rc);
	return rc;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int (*real)(clockid_t, struct timespec *);
	static struct timespec began[2];
	struct timespec *since = &began[clock == CLOCK_BOOTTIME];
	int rc;

	find("clock_gettime", &real);
	if (!fast || (clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME))
		return real(clock, ret);
	/* where the clock stands is nobody's business but this: each look at it takes a microsecond */
	rc = since->tv_sec ? 0 : real(clock, since);
	passed += 1000;
	*ret = *since;
	ret->tv_sec += (since->tv_nsec + passed) / 1000000000;
	ret->tv_nsec = (since->tv_nsec + passed) % 1000000000;
	return rc;
}

/*
 * Which of the threads this is: the first one gives the other something to do, under a lock that the other holds when
 * it finds nothing more.
 */
static bool is_first_thread(void)
{
	return getpid() == gettid();
}

/* There is an older function of that name, for programs that are twenty years old, and dlsym(3) finds it first. */
static void find_new(const char *name, void *ret)
{
	void *found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");

	if (found)
		memcpy(ret, &found, sizeof(found));
	else
		find(name, ret);
}

int pthread_cond_signal(pthread_cond_t *condition)
{
	int (*real)(pthread_cond_t *);

	find_new("pthread_cond_signal", &real);
	if (is_first_thread())
		busy = true;
	return real(condition);
}

int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock)
{
	int (*real)(pthread_cond_t *, pthread_mutex_t *);

	find_new("pthread_cond_wait", &real);
	if (!is_first_thread())
		busy = false;
	return real(condition, lock);
}

struct thread {
	void *(*run)(void *);
	void *data;
};

static void *run_other(void *data)
{
	struct thread thread = *(struct thread *)data;
	void *ret;

	free(data);
	ret = thread.run(thread.data);
	others--;
	return ret;
}

int pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*run)(void *), void *data)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	static bool has_writer;
	struct thread *thread;
	int rc;

	find("pthread_create", &real);
	if (!fast || !has_writer) {
		has_writer = true;
		return real(ret, attributes, run, data);
	}
	thread = malloc(sizeof(*thread));
	if (!thread)
		die("out of memory");
	*thread = (struct thread){ run, data };
	others++;
	rc = real(ret, attributes, run_other, thread);
	if (rc) {
		others--;
		free(thread);
	}
	return rc;
}

/* One that has nothing more to do may not be quite gone: that is not to cost a tick, now and then. */
int pthread_tryjoin_np(pthread_t thread, void **ret)
{
	int (*real)(pthread_t, void **);

	find("pthread_tryjoin_np", &real);
	return fast && !others ? pthread_join(thread, ret) : real(thread, ret);
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	int (*real)(const sigset_t *, siginfo_t *, const struct timespec *);
	const struct timespec none = { 0 };
	int rc, error;

	find("sigtimedwait", &real);
	while (fast && (busy || others))
		usleep(50);
	log_call(WAIT, timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000, 0);
	may_call(next_rule(WAIT));
	rc = real(set, info, fast ? &none : timeout);
	error = errno;
	if (fast)
		passed += timeout->tv_sec * 1000000000LL + timeout->tv_nsec;
	change_tree(counts[WAIT]);
	errno = error;
	return rc;
}
