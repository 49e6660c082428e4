/* SPDX-License-Identifier: MIT */
#include "query_options.h"

#include "cli.h"
#include "clocks.h"
#include "expression.h"
#include "query_shape.h"
#include "recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
	OPT_FROM,
	OPT_TO,
	OPT_VIEW,
	OPT_FOLLOW,
	OPT_MAX_BLIND,
	OPT_COVERAGE,
	OPT_FIELDS,
	OPT_LIST_FIELDS,
	OPT_SORT,
	OPT_TOP,
	OPT_COUNT_BY,
	OPT_EVERY,
	OPT_OUTPUT,
	OPT_FORMAT,
	OPT_TZ,
	OPT_TCP,
	OPT_UDP,
	OPT_RAW,
	OPT_LISTEN,
	OPT_4,
	OPT_6,
	OPT_ALL,
	OPT_NUMERIC,
	OPT_PROCESSES,
	OPT_NO_HEADER,
	OPT_INFO,
	OPT_VERIFY,
	OPT_STRICT,
	OPT_NO_INDEX,
	OPT_STDIN
};

static const struct cli_option options[] = {
	[OPT_FROM] = { 0, "from", "TIME", "what is asked about begins then: at the first snapshot unless told" },
	[OPT_TO] = { 0, "to", "TIME", "and ends then: at the last snapshot unless told" },
	[OPT_VIEW] = { 0, "view", "VIEW",
		       "sockets (at an instant), flows (one row a connection), changes, processes or snapshots" },
	[OPT_FOLLOW] = { 0, "follow", NULL, "print changes as they are recorded, until the recording ends" },
	[OPT_MAX_BLIND] = { 0, "max-blind", "DUR",
			    "where nothing matches: that is no answer if for longer nothing was looked at" },
	[OPT_COVERAGE] = { 0, "coverage", NULL,
			   "print, as JSON, what was looked at and the answer, in the place of rows" },
	[OPT_FIELDS] = { 0, "fields", "LIST", "show these fields, with commas between, and no others" },
	[OPT_LIST_FIELDS] = { 0, "list-fields", NULL,
			      "print which fields the rows of --view have, and what they mean" },
	[OPT_SORT] = { 0, "sort", "LIST", "sort by these fields; with - before one that is to fall" },
	[OPT_TOP] = { 0, "top", "N", "show the first N rows, or the N largest counts" },
	[OPT_COUNT_BY] = { 0, "count-by", "LIST", "show how many rows there are of each value of these fields" },
	[OPT_EVERY] = { 0, "every", "DUR", "count for each such stretch of time: 10s, 1m, ..." },
	[OPT_OUTPUT] = { 'o', "output", "FILE",
			 "write what is asked about as a smaller recording, a slice; - is standard output" },
	[OPT_FORMAT] = { 0, "format", "FORMAT", "table (unless told), json, jsonl, csv or netstat" },
	[OPT_TZ] = { 0, "tz", "ZONE",
		     "zone in which times are read and printed: UTC unless told, 'host' the recorded one" },
	[OPT_TCP] = { 't', "tcp", NULL, "TCP sockets" },
	[OPT_UDP] = { 'u', "udp", NULL, "UDP sockets, UDP-Lite too" },
	[OPT_RAW] = { 'w', "raw", NULL, "raw sockets" },
	[OPT_LISTEN] = { 'l', "listening", NULL, "only sockets that wait for others: LISTEN, and UDP without a peer" },
	[OPT_4] = { '4', "ipv4", NULL, "only tables of IPv4" },
	[OPT_6] = { '6', "ipv6", NULL, "only tables of IPv6" },
	[OPT_ALL] = { 'a', "all", NULL,
		      "all changes: counters, too, and what was there; understood, for ss's sake, otherwise" },
	[OPT_NUMERIC] = { 'n', "numeric", NULL, "understood: names are never looked up" },
	[OPT_PROCESSES] = { 'p', "processes", NULL, "understood: processes are always shown" },
	[OPT_NO_HEADER] = { 'H', "no-header", NULL, "no headings" },
	[OPT_INFO] = { 0, "info", NULL, "print what is known of the recording itself" },
	[OPT_VERIFY] = { 0, "verify", "[HEAD]", "check every byte; HEAD is a chain value written down before" },
	[OPT_STRICT] = { 0, "strict", NULL, "refuse a recording that is not whole" },
	[OPT_NO_INDEX] = { 0, "no-index", NULL, "look at every block, as if there were no index" },
	[OPT_STDIN] = { '@', NULL, "TIME", "as the operand -@TIME: standard input, at TIME" },
};

static const struct cli cli = {
	.tool = "sockquery",
	.usage = "[OPTION]... REC[@TIME]... [EXPR...]",
	.about =
		"Ask recordings: which sockets there were at an instant, the last snapshot unless told, and who held them; or,\n"
		"with an EXPR and no TIME, which connections ever matched it. EXPR is as in ss(8): 'dst 10.0.0.0/8 and comm = nginx';\n"
		"skt-filter(7) has all of it. TIME: 14:03, 2026-11-22T14:03:07Z, first, last, #14, +90s (from the first), '2h ago', ...",
	.exits = "0 yes, 1 no, 2 trouble or cannot say",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

#define TCP_KINDS  (1u << SKT_TCP | 1u << SKT_TCP6)
#define UDP_KINDS  (1u << SKT_UDP | 1u << SKT_UDP6 | 1u << SKT_UDPLITE | 1u << SKT_UDPLITE6)
#define RAW_KINDS  (1u << SKT_RAW | 1u << SKT_RAW6)
#define IPV4_KINDS (1u << SKT_TCP | 1u << SKT_UDP | 1u << SKT_UDPLITE | 1u << SKT_RAW)
#define ALL_KINDS  (TCP_KINDS | UDP_KINDS | RAW_KINDS)

/* ---- arguments ---- */

static int set_format(const char *name)
{
	int format = skt_format_of(name);

	if (format < 0)
		cli_usage("--format: '%s' is none of table, json, jsonl, csv, netstat", name);
	return format;
}

/* VIEWS: it is none. */
static enum query_view find_view(const char *name)
{
	int view = 0;

	while (view < VIEWS && strcmp(query_view_name((enum query_view)view), name) != 0)
		view++;
	return (enum query_view)view;
}

static enum query_view set_view(const char *name)
{
	enum query_view view = find_view(name);

	if (view < VIEWS)
		return view;
	cli_usage("--view: '%s' is none of sockets, flows, changes, processes, snapshots", name);
}

static void read_chain(const char *text, uint8_t ret[SKT_CHAIN_SIZE])
{
	char again[2 * SKT_CHAIN_SIZE + 1];

	for (size_t i = 0; i < SKT_CHAIN_SIZE && strlen(text) == sizeof(again) - 1; i++) {
		char byte[3] = { text[2 * i], text[2 * i + 1], '\0' };

		ret[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	cli_hex(ret, SKT_CHAIN_SIZE, again);
	if (strcasecmp(text, again) != 0)
		cli_usage("--verify: '%s' is no chain value: %d hex digits are", text, 2 * SKT_CHAIN_SIZE);
}

static void read_options(int argc, char **argv, struct query *query, struct query_operands *ret)
{
	uint32_t family = 0, kinds = 0;
	const char *argument;
	int option;

	cli_begin(&cli);
	while ((option = cli_next(&cli, argc, argv, &argument)) >= 0) {
		switch (option) {
		case OPT_FROM:
			query->from = argument;
			break;
		case OPT_TO:
			query->to = argument;
			break;
		case OPT_VIEW:
			query->view = set_view(argument);
			break;
		case OPT_FOLLOW:
			query->follow = true;
			break;
		case OPT_MAX_BLIND:
			query->max_blind = cli_duration("--max-blind", argument);
			break;
		case OPT_COVERAGE:
			query->coverage = true;
			break;
		case OPT_OUTPUT:
			query->output = cli_name("--output", argument, "file");
			break;
		case OPT_ALL:
			query->all = true;
			break;
		case OPT_FIELDS:
			query->fields = argument;
			break;
		case OPT_LIST_FIELDS:
			query->list_fields = true;
			break;
		case OPT_SORT:
			query->sort = argument;
			break;
		case OPT_TOP:
			query->top = cli_number("--top", argument, 1, UINT32_MAX);
			break;
		case OPT_COUNT_BY:
			query->count_by = argument;
			break;
		case OPT_EVERY:
			query->every = cli_duration("--every", argument);
			if (query->every <= 0)
				cli_usage("--every: '%s' is no stretch of time", argument);
			break;
		case OPT_FORMAT:
			query->render.format = (enum skt_format)set_format(argument);
			ret->format = true;
			break;
		case OPT_TZ:
			query->zone = argument;
			break;
		case OPT_TCP:
			kinds |= TCP_KINDS;
			break;
		case OPT_UDP:
			kinds |= UDP_KINDS;
			break;
		case OPT_RAW:
			kinds |= RAW_KINDS;
			break;
		case OPT_LISTEN:
			query->listening = true;
			break;
		case OPT_4:
			family |= IPV4_KINDS;
			break;
		case OPT_6:
			family |= ALL_KINDS & ~IPV4_KINDS;
			break;
		case OPT_NO_HEADER:
			query->render.heading = false;
			break;
		case OPT_INFO:
			query->info = true;
			query->open_flags |= SKT_OPEN_NO_INDEX;
			break;
		case OPT_VERIFY:
			query->verify = true;
			query->verify_chain = argument != NULL;
			if (argument)
				read_chain(argument, query->chain);
			break;
		case OPT_STRICT:
			query->open_flags |= SKT_OPEN_STRICT;
			break;
		case OPT_NO_INDEX:
			query->open_flags |= SKT_OPEN_NO_INDEX;
			break;
		case OPT_STDIN:
			/* getopt took it for an option; it is an operand */
			if (asprintf(&ret->standard_input, "-@%s", argument) < 0)
				ret->standard_input = NULL;
			break;
		default:
			break;
		}
	}
	query->kinds = (kinds ? kinds : ALL_KINDS) & (family ? family : ALL_KINDS);
	query->render.width = cli_width();
}

/* ---- operands ---- */

/* All of them, ret_n; given to the caller. */
static char **list_operands(char *standard_input, char *const *recordings, size_t n, size_t *ret_n)
{
	char **operands = calloc(n + 1, sizeof(*operands));
	size_t first = standard_input != NULL;

	if (!operands) {
		cli_say("out of memory");
		exit(CLI_TROUBLE);
	}
	operands[0] = standard_input;
	for (size_t i = 0; i < n; i++)
		operands[first + i] = recordings[i];
	*ret_n = first + n;
	return operands;
}

static bool are_flows(const struct query *query, char *const *operands, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (query_view_of(query, recording_time(operands[i])) != VIEW_FLOWS)
			return false;
	return !query->output;
}

/* Of what stands behind the options: recordings, and then the expression. */
static void take_operands(int argc, char **argv, struct query *query, struct query_operands *ret)
{
	size_t all = (size_t)(argc - optind);
	size_t n = expression_find(argv + optind, all, ret->standard_input != NULL);

	query->words = argv + optind + n;
	query->n_words = all - n;
	ret->operands = list_operands(ret->standard_input, argv + optind, n, &ret->n);
	query->several = query->render.several = ret->n > 1;
	query->of_flows = are_flows(query, ret->operands, ret->n);
}

/* ---- what goes together ---- */

/* What cannot be asked of this operand. */
static void check_operand(const struct query *query, const char *operand)
{
	const char *time = recording_time(operand);
	enum query_view view = query_view_of(query, time);

	if (time && (query->info || query->verify))
		cli_usage("'%s': --info and --verify are of a whole recording, not of an instant", operand);
	if (time && query->output && (query->from || query->to))
		cli_usage("'@%s' is an instant: a stretch is named by --from and --to alone", time);
	if (time && (query->from || query->to || query->follow || view == VIEW_CHANGES))
		cli_usage("'@%s' is an instant, and what is asked for takes time: name it with --from and --to", time);
	if (query->render.format == SKT_FORMAT_NETSTAT && view != VIEW_SOCKETS && !query->coverage)
		cli_usage("--format=netstat is a look of sockets at an instant, and '%s' is asked for %s", operand,
			  query_view_name(view));
}

/* What does not go together. format: one was asked for. */
static void check(const struct query *query, bool format)
{
	bool about_it = query->info || query->verify;
	bool stretch = query->from || query->to || query->follow;
	bool json = query->render.format == SKT_FORMAT_JSON || query->render.format == SKT_FORMAT_JSONL;

	if (about_it && format)
		cli_usage("--format: --info and --verify are lines of text, and have no other");
	if (query->coverage && format && !json)
		cli_usage("--coverage is an object for each recording: --format=jsonl, unless told, or json");
	if (about_it && (stretch || query->coverage || query->view != VIEW_UNTOLD))
		cli_usage("--info and --verify are of a whole recording, and of it alone");
	if (stretch && query->view == VIEW_SOCKETS && !query->every)
		cli_usage("--view=sockets is of an instant: REC@TIME, or of many: --every");
	if (query->follow && query->view != VIEW_CHANGES && query->view != VIEW_UNTOLD)
		cli_usage("--follow shows changes");
	if (query->n_words && query->view == VIEW_SNAPSHOTS)
		cli_usage("'%s': --view=snapshots takes no expression", *query->words);
	if (query->follow && query->several)
		cli_usage("--follow follows one recording");
	shape_check(query);
	if (query->output && (about_it || query->follow || query->coverage || query->view != VIEW_UNTOLD || format ||
			      query->fields || query->sort || query->top || query->count_by || query->every))
		cli_usage(
			"--output writes a recording: it has no view or format, and is of an expression and a stretch");
	if (query->output && query->several)
		cli_usage("--output makes a slice of one recording");
}

static bool is_hosts_zone(const struct query *query)
{
	return query->zone && !strcmp(query->zone, "host");
}

void query_read_expression(struct query *query)
{
	skt_filter_free(query->filter);
	if (query->n_words == 1 && find_view(*query->words) < VIEWS)
		cli_usage("'%s' is no expression; the view of that name is --view=%s", *query->words, *query->words);
	query->filter = expression_read(query->words, query->n_words, query->render.zone, query->of_flows);
}

void query_options(int argc, char **argv, struct query *query, struct query_operands *ret)
{
	*ret = (struct query_operands){ .n = 0 };
	read_options(argc, argv, query, ret);
	if (query->list_fields)
		return;
	if (optind == argc && !ret->standard_input)
		cli_usage("no recording named");
	if (query->verify && is_hosts_zone(query))
		cli_usage("--verify: the recorded zone is not believed before the recording is: name one");
	take_operands(argc, argv, query, ret);
	if (query->n_words && (query->info || query->verify))
		cli_usage("'%s': --info and --verify are of a whole recording and take no expression", *query->words);
	query->now = clock_ns(CLOCK_REALTIME);
	if (query->zone && !is_hosts_zone(query))
		query->render.zone = cli_zone(query->zone);
	if (query->n_words && !is_hosts_zone(query))
		query_read_expression(query);
	check(query, ret->format);
	for (size_t i = 0; i < ret->n; i++)
		check_operand(query, ret->operands[i]);
}

void query_operands_release(struct query_operands *operands)
{
	free(operands->operands);
	free(operands->standard_input);
}
