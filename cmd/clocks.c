/* SPDX-License-Identifier: MIT */
#include "clocks.h"

#include <skt/time.h>

#include <sched.h>
#include <sys/resource.h>

int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * SKT_NS_PER_S + now.tv_nsec;
}

void clocks_read(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = clock_ns(CLOCK_REALTIME);
	*ret_boottime = clock_ns(CLOCK_BOOTTIME);
}

unsigned processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}
