/* SPDX-License-Identifier: MIT */
#include <skt/process.h>

#include <skt/sock.h>

#include <string.h>

uint32_t skt_process_compare(const struct skt_process *a, const struct skt_process *b)
{
	uint32_t differ = a->has ^ b->has;

#define COMPARE(member, field) differ |= a->member != b->member ? SKT_BIT(field) : 0
	COMPARE(ppid, SKT_P_PPID);
	COMPARE(uid, SKT_P_UID);
	COMPARE(comm, SKT_P_COMM);
	COMPARE(exe, SKT_P_EXE);
	COMPARE(exe_deleted, SKT_P_EXE);
	COMPARE(cmdline, SKT_P_CMDLINE);
	COMPARE(cmdline_truncated, SKT_P_CMDLINE);
	COMPARE(cgroup, SKT_P_CGROUP);
	COMPARE(net_namespace, SKT_P_NET_NAMESPACE);
	COMPARE(threads, SKT_P_THREADS);
	COMPARE(state, SKT_P_STATE);
	COMPARE(start_time, SKT_P_START_TIME);
	COMPARE(exited, SKT_P_EXITED);
#undef COMPARE
	return differ;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool skt_container_id(const char *cgroup, size_t len, char ret[13])
{
	bool found = false;
	size_t run = 0;

	for (size_t i = 0; i <= len; i++) {
		if (i < len && is_hex(cgroup[i])) {
			run++;
			continue;
		}
		if (run == 64) {
			memcpy(ret, cgroup + i - 64, 12);
			ret[12] = '\0';
			found = true;
		}
		run = 0;
	}
	return found;
}
