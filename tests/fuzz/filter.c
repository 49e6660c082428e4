/* SPDX-License-Identifier: MIT */
/* Words of a command line, one a line: an expression. What is read of it is read the same once it was written out. */
#include "taken.h"

#include <skt/filter.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 64

static const char services[] = "ssh 22/tcp\ndomain 53/tcp\ndomain 53/udp\ntwo 1/tcp deux\ntwo 2/udp # x\n";
static const struct skt_filter_names names = { services, sizeof(services) - 1, SKT_ZONE_UTC,
					       INT64_C(1795356187) * SKT_NS_PER_S, true };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		__builtin_trap();
}

/* A socket of every kind, held by one that shows all and by one that shows nothing. */
static void fill(struct skt_snapshot *snapshot)
{
	struct skt_process processes[] = { { .pid = 720, .uid = 33, .has = UINT32_MAX }, { .pid = 5 } };
	struct skt_owner owners[2];
	struct skt_table table = { .status = SKT_TABLE_FRESH, .net_namespace = 1 };
	uint32_t slot;

	check(!skt_snapshot_init(snapshot, NULL, 7));
	check(!skt_strtab_add(snapshot->strings, "nginx\0-g\0", 9, &processes[0].cmdline));
	check(!skt_strtab_add(snapshot->strings, "nginx", 5, &processes[0].comm));
	check(!skt_strtab_add(snapshot->strings, "0::/a\n1:x:/b", 12, &processes[0].cgroup));
	check(!skt_strtab_add(snapshot->strings, "", 0, &processes[0].exe));
	for (uint32_t i = 0; i < 2; i++) {
		check(!skt_snapshot_add_process(snapshot, &processes[i], &slot));
		owners[i] = (struct skt_owner){ .process = slot, .fd = (int32_t)i };
	}
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++) {
		struct skt_sock sock = { .local_port = 22, .remote_address = { [10] = 0xff, [11] = 0xff, [12] = 10 } };

		table.kind = (uint8_t)kind;
		check(!skt_snapshot_add_table(snapshot, &table, &sock.table));
		sock.state = (uint8_t)(kind + 1);
		sock.owner = (uint8_t)(kind % SKT_OWNER_STATES);
		sock.owner_gaps = kind & 4;
		sock.has = kind & 2 ? SKT_OPTIONAL : 0;
		check(!skt_snapshot_add_sock(snapshot, &sock, &slot));
		if (kind & 1) {
			check(!skt_snapshot_add_owners(snapshot, owners, 2, &snapshot->socks[slot].first_owner));
			snapshot->socks[slot].n_owners = 2;
		}
	}
}

/* Every row's truth, two bits each. */
static uint32_t evaluate(const struct skt_filter *filter)
{
	static struct skt_snapshot snapshot;
	uint32_t truths = 0;

	if (!snapshot.n_socks)
		fill(&snapshot);
	for (size_t i = 0; i < snapshot.n_socks; i++) {
		struct skt_row row = { .snapshot = &snapshot, .sock = &snapshot.socks[i], .boot_time = 5 };
		enum skt_truth truth = skt_filter_test(filter, &row);

		check(truth == SKT_TRUE || truth == SKT_FALSE || truth == SKT_UNKNOWN);
		/* no row of a table in which it cannot be true */
		check(truth == SKT_FALSE ||
		      skt_filter_kinds(filter) & 1u << snapshot.tables[snapshot.socks[i].table].kind);
		truths |= (uint32_t)truth << 2 * i;
	}
	return truths;
}

/* Its own text is read again, unless it has more brackets than that may have. */
static void check_format(const struct skt_filter *filter)
{
	struct skt_filter *again;
	struct skt_buf text;
	char *word;
	int rc;

	skt_buf_init(&text);
	skt_filter_format(filter, &text);
	skt_buf_byte(&text, '\0');
	check(!text.failed);
	word = (char *)text.data;
	rc = skt_filter_parse(&word, 1, &names, &again, NULL);
	if (!rc) {
		check(evaluate(again) == evaluate(filter) && !skt_filter_is_mixed(again));
		skt_filter_free(again);
	} else {
		check(strlen(word) > SKT_FILTER_DEPTH);
	}
	skt_buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = malloc(size + 1), *words[WORDS_MAX];
	struct skt_filter *filter = NULL;
	struct skt_err err;
	size_t n = 0;
	int rc;

	if (!input)
		return 0;
	if (size)
		memcpy(input, data, size);
	input[size] = '\0';
	for (char *line = input; line && n < WORDS_MAX; n++) {
		words[n] = line;
		line = strchr(line, '\n');
		if (line)
			*line++ = '\0';
	}
	rc = skt_filter_parse(words, n, &names, &filter, &err);
	check(rc == 0 || ((rc == -EINVAL || rc == -ENOMEM) && err.code == rc && err.message[0]));
	if (!rc) {
		taken();
		evaluate(filter);
		check_format(filter);
		skt_filter_free(filter);
	}
	free(input);
	return 0;
}
