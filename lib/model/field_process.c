/* SPDX-License-Identifier: MIT */
#include "model/getters.h"

/* Getters of an owner or a process. */

static bool get_fd(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_number(ret, (uint64_t)row->fd);
}

static bool get_start_time(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return skt_row_start_time(row, &ret->time);
}

static bool get_process_user(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	ret->text = skt_snapshot_user(row->snapshot, row->process->uid, &ret->len);
	return ret->text;
}

static bool get_container(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	size_t len;
	const char *cgroup = skt_strtab_get(row->snapshot->strings, row->process->cgroup, &len);

	(void)field;
	return skt_container_id(cgroup, len, ret->room) && set_word(ret, ret->room);
}

static bool get_process_state(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	ret->room[0] = (char)row->process->state;
	return set_text(ret, ret->room, 1);
}

#define PROCESS(m) .offset = offsetof(struct skt_process, m), .size = sizeof(((struct skt_process *)NULL)->m)
#define NEEDS(bit) .needs = SKT_BIT(bit)
#define OF_PROCESS .of_process = true
const struct skt_field_info skt_owner_fields[] = {
	{ "pid", SKT_TYPE_NUMBER, OF_PROCESS, .get = field_unsigned, PROCESS(pid), .meaning = "process id" },
	{ "fd", SKT_TYPE_NUMBER, OF_PROCESS, .of_link = true, .get = get_fd,
	  .meaning = "descriptor that was the socket" },
	{ "start_time", SKT_TYPE_TIME, OF_PROCESS, .get = get_start_time, .meaning = "when the process started" },
	{ "ppid", SKT_TYPE_NUMBER, OF_PROCESS, .get = field_unsigned, PROCESS(ppid), NEEDS(SKT_P_PPID),
	  .meaning = "its parent's pid" },
	{ "process_uid", SKT_TYPE_NUMBER, OF_PROCESS, .get = field_unsigned, PROCESS(uid), NEEDS(SKT_P_UID),
	  .meaning = "its real uid" },
	{ "process_user", SKT_TYPE_BYTES, OF_PROCESS, .get = get_process_user, NEEDS(SKT_P_UID),
	  .meaning = "name of process_uid on the recorded host" },
	{ "comm", SKT_TYPE_BYTES, OF_PROCESS, .get = field_string, PROCESS(comm), NEEDS(SKT_P_COMM),
	  .meaning = "the kernel's name for it, at most 15 bytes" },
	{ "exe", SKT_TYPE_BYTES, OF_PROCESS, .get = field_string, PROCESS(exe), NEEDS(SKT_P_EXE),
	  .meaning = "path of its program" },
	{ "exe_deleted", SKT_TYPE_BOOL, OF_PROCESS, .get = field_bool, PROCESS(exe_deleted), NEEDS(SKT_P_EXE),
	  .meaning = "that path is no longer its program" },
	{ "cmdline", SKT_TYPE_ARGV, OF_PROCESS, .get = field_string, PROCESS(cmdline), NEEDS(SKT_P_CMDLINE),
	  .meaning = "its arguments; a process may write over them" },
	{ "cmdline_truncated", SKT_TYPE_BOOL, OF_PROCESS, .get = field_bool, PROCESS(cmdline_truncated),
	  NEEDS(SKT_P_CMDLINE), .meaning = "only the beginning of them was kept" },
	{ "cgroup", SKT_TYPE_BYTES, OF_PROCESS, .get = field_string, PROCESS(cgroup), NEEDS(SKT_P_CGROUP),
	  .meaning = "its control groups" },
	{ "container", SKT_TYPE_WORD, OF_PROCESS, .get = get_container, NEEDS(SKT_P_CGROUP),
	  .meaning = "12 hexadecimal digits, from the cgroup" },
	{ "process_net_namespace", SKT_TYPE_NUMBER, OF_PROCESS, .get = field_unsigned, PROCESS(net_namespace),
	  NEEDS(SKT_P_NET_NAMESPACE), .meaning = "inode of the namespace it is in" },
	{ "threads", SKT_TYPE_NUMBER, OF_PROCESS, .get = field_unsigned, PROCESS(threads), NEEDS(SKT_P_THREADS),
	  .meaning = "how many it has" },
	{ "process_state", SKT_TYPE_BYTES, OF_PROCESS, .get = get_process_state, NEEDS(SKT_P_STATE),
	  .meaning = "R S D Z T t X I, as in proc(5)" },
	{ "exited", SKT_TYPE_BOOL, OF_PROCESS, .moves = true, .get = field_bool, PROCESS(exited),
	  .meaning = "it is gone" },
};
const size_t skt_n_owner_fields = sizeof(skt_owner_fields) / sizeof(*skt_owner_fields);
