/* SPDX-License-Identifier: MIT */
#include "proc/unlisted.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What libraries do not know yet has the same number on all machines but alpha, which does not matter. */
#ifndef SYS_getxattrat
#define SYS_getxattrat 464
#endif
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* How many are asked in one look: half a millisecond. The others stay strange until the next. */
#define ASKED_MOST 256

#define MISSES_NEEDED 2

/* Not in these headers where the kernel's own would clash with the library's. */
#define STATE_CLOSE 7

/* ---- one socket ---- */

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) ? -1 : value;
}

/* Whether its protocol has a table, as far as its name tells; true where it does not tell. */
static bool may_have_table(const struct look *look, uint32_t pid, int32_t fd)
{
	char path[32], name[32];
	struct {
		uint64_t value;
		uint32_t size;
		uint32_t flags;
	} args = { .value = (uint64_t)(uintptr_t)name, .size = sizeof(name) };
	long len;

	snprintf(path, sizeof(path), "%u/fd/%d", pid, fd);
	len = syscall(SYS_getxattrat, look->tree->fd, path, 0, "system.sockprotoname", &args, sizeof(args));
	return len < 3 || !memcmp(name, "TCP", 3) || !memcmp(name, "UDP", 3) || !memcmp(name, "RAW", 3);
}

/* A copy of the descriptor, or -1. */
static int copy(uint32_t pid, int32_t fd)
{
	int process = (int)syscall(SYS_pidfd_open, pid, 0), ret;

	if (process < 0)
		return -1;
	ret = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
	close(process);
	return ret;
}

/* The table in which it has its place: enum skt_table_kind, or -1. */
static int table_of(int fd)
{
	int domain = option(fd, SOL_SOCKET, SO_DOMAIN), type = option(fd, SOL_SOCKET, SO_TYPE);
	int protocol = option(fd, SOL_SOCKET, SO_PROTOCOL), kind = -1;

	if (domain != AF_INET && domain != AF_INET6)
		return -1;
	if (type == SOCK_STREAM && protocol == IPPROTO_TCP)
		kind = SKT_TCP;
	else if (type == SOCK_DGRAM && protocol == IPPROTO_UDP)
		kind = SKT_UDP;
	else if (type == SOCK_DGRAM && protocol == IPPROTO_UDPLITE)
		kind = SKT_UDPLITE;
	else if (type == SOCK_RAW)
		kind = SKT_RAW;
	return kind < 0 ? kind : kind + (domain == AF_INET6);
}

static bool is_bound(int fd)
{
	struct sockaddr_in6 address = { .sin6_port = 0 };
	socklen_t len = sizeof(address);

	/* the port is in the same place of both families */
	return !getsockname(fd, (struct sockaddr *)&address, &len) && address.sin6_port;
}

/* Whether the kernel lists it now. */
static bool is_in_use(int fd, int kind)
{
	uint8_t state = STATE_CLOSE;
	socklen_t len = sizeof(state);

	if (kind == SKT_RAW || kind == SKT_RAW6)
		return true;
	if (kind != SKT_TCP && kind != SKT_TCP6)
		return is_bound(fd);
	/* it is the first byte of struct tcp_info */
	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &state, &len) && state != STATE_CLOSE;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) ? 0 : cookie;
}

/* The namespace that a socket belongs to, which need not be that of its holder; 0 where it may not be known. */
static uint64_t namespace_of(const struct unlisted *unlisted, const struct namespaces *all, int fd)
{
	uint64_t cookie = cookie_of(fd);
	struct stat st = { .st_ino = 0 };
	int netns;

	if (cookie && cookie == unlisted->own_cookie)
		return all->list[0].inode;
	for (size_t i = 1; cookie && unlisted->ids && i < all->n; i++)
		if (all->list[i].id == cookie)
			return all->list[i].inode;
	netns = ioctl(fd, SIOCGSKNS);
	if (netns < 0)
		return 0;
	if (fstat(netns, &st) < 0)
		st.st_ino = 0;
	close(netns);
	return st.st_ino;
}

/*
 * Ask the socket with this inode that pid has as fd: whether it is in use and its table is one that is read. (That pid
 * and fd may be others' by now does not matter: the inode says so.)
 */
static bool ask(const struct unlisted *unlisted, const struct namespaces *all, const struct look *look,
		struct suspect *suspect)
{
	int fd = copy(suspect->pid, suspect->fd), kind;
	struct stat st;
	bool in_use;

	if (fd < 0)
		return false;
	kind = table_of(fd);
	in_use = !fstat(fd, &st) && st.st_ino == suspect->inode && kind >= 0 && (look->options->tables & 1u << kind) &&
		 is_in_use(fd, kind);
	if (in_use) {
		suspect->kind = (uint8_t)kind;
		suspect->net_namespace = namespace_of(unlisted, all, fd);
	}
	close(fd);
	return in_use && suspect->net_namespace;
}

/* ---- suspects ---- */

static bool is_read(const struct look *look, const struct suspect *suspect)
{
	const struct skt_snapshot *snapshot = look->snapshot;

	for (size_t i = 0; i < snapshot->n_tables; i++)
		if (snapshot->tables[i].kind == suspect->kind &&
		    snapshot->tables[i].net_namespace == suspect->net_namespace)
			return snapshot->tables[i].status == SKT_TABLE_FRESH;
	return false;
}

/* Whether it is one still. */
static bool keep(const struct unlisted *unlisted, const struct namespaces *all, struct look *look,
		 const struct owners *owners, struct suspect *suspect)
{
	struct skt_finding finding;

	if (owners_find(owners, suspect->inode) != MAP_NONE)
		return false;
	if (is_read(look, suspect) && suspect->misses < MISSES_NEEDED)
		suspect->misses++;
	if (suspect->misses < MISSES_NEEDED)
		return true;
	if (!ask(unlisted, all, look, suspect))
		return false;
	finding = (struct skt_finding){ .kind = SKT_FINDING_UNLISTED,
					.table = suspect->kind,
					.pid = suspect->pid,
					.fd = suspect->fd,
					.inode = suspect->inode,
					.net_namespace = suspect->net_namespace };
	skt_quality_add(&look->snapshot->quality, &finding);
	return true;
}

/* Each socket once, whoever else holds it. */
static void suspect(struct unlisted *unlisted, const struct suspect *who)
{
	for (size_t i = 0; i < unlisted->n; i++)
		if (unlisted->list[i].inode == who->inode)
			return;
	unlisted->list[unlisted->n++] = *who;
}

/* ---- a look ---- */

static void begin(struct unlisted *unlisted, const struct look *look)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int own = tree_open(look->tree, look->tree->fd, "self/ns/net", TREE_LINKS);

	unlisted->begun = true;
	unlisted->own_cookie = fd < 0 ? 0 : cookie_of(fd);
	unlisted->ids = own >= 0 && unlisted->own_cookie && netns_id(own) == unlisted->own_cookie;
	if (fd >= 0)
		close(fd);
	if (own >= 0)
		close(own);
}

static void ask_link(struct unlisted *unlisted, const struct namespaces *all, const struct look *look, uint32_t pid,
		     struct ledger_link *link)
{
	struct suspect who = { .inode = link->inode, .pid = pid, .fd = link->fd };

	link->row = LINK_NONE;
	if (!may_have_table(look, pid, link->fd))
		return;
	link->row = LINK_IDLE;
	if (ask(unlisted, all, look, &who))
		suspect(unlisted, &who);
}

static void ask_process(struct unlisted *unlisted, const struct namespaces *all, const struct look *look,
			struct ledger_process *process, unsigned *asked)
{
	for (size_t i = 0; i < process->n_links; i++) {
		if (process->links[i].row != LINK_STRANGE)
			continue;
		if (*asked == ASKED_MOST || unlisted->n == SUSPECTS_MAX)
			return;
		++*asked;
		ask_link(unlisted, all, look, process->pid, &process->links[i]);
	}
}

void unlisted_look(struct unlisted *unlisted, const struct namespaces *all, struct look *look, struct ledger *ledger,
		   const struct owners *owners)
{
	unsigned asked = 0;
	size_t n = 0;

	/* in another pid namespace's /proc the numbers are not ours */
	if (!look->tree->live || ledger->self != (uint32_t)getpid() || !all->list[0].inode)
		return;
	if (!unlisted->begun)
		begin(unlisted, look);
	for (size_t i = 0; i < unlisted->n; i++)
		if (keep(unlisted, all, look, owners, &unlisted->list[i]))
			unlisted->list[n++] = unlisted->list[i];
	unlisted->n = n;
	for (size_t i = 0; i < ledger->n_processes; i++)
		if (ledger->processes[i].strange)
			ask_process(unlisted, all, look, &ledger->processes[i], &asked);
}
