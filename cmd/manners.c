/* SPDX-License-Identifier: MIT */
#include "manners.h"

#include "cli.h"

#include <errno.h>
#include <linux/capability.h>
#include <malloc.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NICE (-10)

/* What is saved up while little happens may be spent at once, but no more than so much time pays for. */
#define SAVED_NS (10 * SKT_NS_PER_S)

#define MILLION 1000000

/* From how much on memory is had from the kernel piece by piece, and given back when it is freed. */
#define LARGE (256 << 10)

void manners_memory(void)
{
	/* glibc's own limit rises with what is freed, up to 32 MiB: what a whole snapshot took once it would keep */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
}

void manners_nice(int nice, bool told)
{
	if (told && setpriority(PRIO_PROCESS, 0, nice))
		cli_say("cannot run with --nice=%d: %s", nice, strerror(errno));
	else if (!told && !getpriority(PRIO_PROCESS, 0))
		(void)setpriority(PRIO_PROCESS, 0, NICE);
}

bool manners_may(unsigned capability)
{
	struct __user_cap_header_struct version = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	return !syscall(SYS_capget, &version, sets) && sets[0].effective & 1u << capability;
}

/* What no program started from here may have. It takes CAP_SETPCAP; without it there is little to be had anyway. */
static void drop_bounds(void)
{
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void manners_drop(uint32_t keep)
{
	struct __user_cap_header_struct version = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	int failed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

	drop_bounds();
	if (!failed)
		failed = (int)syscall(SYS_capget, &version, sets);
	for (unsigned i = 0; !failed && i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].permitted &= i ? 0 : keep;
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	if (!failed)
		failed = (int)syscall(SYS_capset, &version, sets);
	if (failed)
		cli_say("cannot give up privileges that are not needed: %s", strerror(errno));
}

static int64_t cpu_ns(void)
{
	struct timespec cpu;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	return (int64_t)cpu.tv_sec * SKT_NS_PER_S + cpu.tv_nsec;
}

/* What so much of the clock pays for. */
static int64_t paid(const struct spending *spending, int64_t ns)
{
	return ns / MILLION * spending->limit;
}

void spending_begin(struct spending *spending, int64_t now)
{
	spending->cpu = cpu_ns();
	spending->clock = now;
}

int64_t spending_ready(struct spending *spending, int64_t now)
{
	int64_t cpu;

	if (!spending->limit)
		return now;
	cpu = cpu_ns();
	spending->debt += cpu - spending->cpu - paid(spending, now - spending->clock);
	if (spending->debt < -paid(spending, SAVED_NS))
		spending->debt = -paid(spending, SAVED_NS);
	spending->cpu = cpu;
	spending->clock = now;
	return spending->debt > 0 ? now + spending->debt / spending->limit * MILLION : now;
}
