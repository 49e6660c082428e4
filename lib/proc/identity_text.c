/* SPDX-License-Identifier: MIT */
#include "proc/identity.h"

#include <string.h>

/*
 * The files of a process as fs/proc/array.c and fs/proc/base.c write them, the other way of identity.c. What was not
 * recorded is 0.
 */

/* A kworker's name. Nobody's is longer, and what a recording has of such is not put where programs expect 16 bytes. */
#define COMM_MAX 64

static const char *comm_of(const struct skt_snapshot *snapshot, const struct skt_process *process, size_t *ret_len)
{
	const char *comm = skt_strtab_get(snapshot->strings, process->comm, ret_len);

	if (*ret_len > COMM_MAX)
		*ret_len = COMM_MAX;
	return comm;
}

/* A letter: anything else would end the field, or the line. */
static char state_of(const struct skt_process *process)
{
	uint8_t letter = process->state | 0x20;

	return letter >= 'a' && letter <= 'z' ? (char)process->state : '?';
}

static void put_zeros(struct skt_buf *out, unsigned n)
{
	while (n--)
		skt_buf_text(out, " 0");
}

/* do_task_stat() as of Linux 3.5 to 6.18: 52 fields. */
void identity_text_stat(const struct skt_snapshot *snapshot, const struct skt_process *process, struct skt_buf *out)
{
	size_t len;
	const char *comm = comm_of(snapshot, process, &len);

	skt_buf_number(out, process->pid);
	skt_buf_text(out, " (");
	skt_buf_add(out, comm, len);
	skt_buf_printf(out, ") %c %u", state_of(process), process->ppid);
	put_zeros(out, 15); /* pgrp to nice */
	skt_buf_printf(out, " %u 0 %llu", process->threads, (unsigned long long)process->start_time);
	put_zeros(out, 30); /* vsize to exit_code */
	skt_buf_byte(out, '\n');
}

static const char *state_word(char state)
{
	static const char *const words[] = { "R (running)", "S (sleeping)",	"D (disk sleep)",
					     "T (stopped)", "t (tracing stop)", "X (dead)",
					     "Z (zombie)",  "P (parked)",	"I (idle)" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (*words[i] == state)
			return words[i];
	return "? (unknown)";
}

/* proc_task_name() escapes the two bytes that would be taken for something else. */
static void put_name(struct skt_buf *out, const char *comm, size_t len)
{
	skt_buf_text(out, "Name:\t");
	for (size_t i = 0; i < len; i++) {
		if (comm[i] == '\n')
			skt_buf_text(out, "\\n");
		else if (comm[i] == '\\')
			skt_buf_text(out, "\\\\");
		else
			skt_buf_byte(out, (unsigned char)comm[i]);
	}
	skt_buf_byte(out, '\n');
}

void identity_text_status(const struct skt_snapshot *snapshot, const struct skt_process *process, struct skt_buf *out)
{
	static const char *const sizes[] = { "VmPeak", "VmSize",  "VmLck",   "VmPin",	 "VmHWM",
					     "VmRSS",  "RssAnon", "RssFile", "RssShmem", "VmData",
					     "VmStk",  "VmExe",	  "VmLib",   "VmPTE",	 "VmSwap" };
	static const char *const masks[] = { "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt",
					     "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	unsigned pid = process->pid, uid = process->uid;
	size_t len;
	const char *comm = comm_of(snapshot, process, &len);

	put_name(out, comm, len);
	skt_buf_printf(out, "Umask:\t0000\nState:\t%s\n", state_word(state_of(process)));
	skt_buf_printf(out, "Tgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n", pid, pid, process->ppid);
	skt_buf_printf(out, "Uid:\t%u\t%u\t%u\t%u\nGid:\t0\t0\t0\t0\nFDSize:\t0\nGroups:\t \n", uid, uid, uid, uid);
	skt_buf_printf(out, "NStgid:\t%u\nNSpid:\t%u\nNSpgid:\t0\nNSsid:\t0\n", pid, pid);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		skt_buf_printf(out, "%s:\t%8u kB\n", sizes[i], 0u);
	skt_buf_printf(out, "Threads:\t%u\nSigQ:\t0/0\n", process->threads);
	for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++)
		skt_buf_printf(out, "%s:\t%016x\n", masks[i], 0u);
	skt_buf_text(out, "NoNewPrivs:\t0\nSeccomp:\t0\nvoluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
}
