/* SPDX-License-Identifier: MIT */
#include "query/filter.h"
#include "query/flow.h"

#include <string.h>

static enum skt_truth truth_of(bool is)
{
	return is ? SKT_TRUE : SKT_FALSE;
}

/* below 0, 0, above 0 */
static int order(bool less, bool equal)
{
	return less ? -1 : !equal;
}

static bool holds(enum operator op, int order)
{
	switch (op) {
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	case OP_GE:
		return order >= 0;
	default:
		return !order;
	}
}

/* ---- ends ---- */

static bool has_prefix(const uint8_t *address, const struct value *value)
{
	size_t bytes = value->bits / 8;
	unsigned rest = value->bits % 8;

	return !memcmp(address, value->address, bytes) &&
	       (!rest || !((address[bytes] ^ value->address[bytes]) >> (8 - rest)));
}

/* As the kernel has it (inet_diag_bc_run()): a socket of IPv6 that speaks IPv4 is meant by IPv4 addresses, too. */
static bool is_host(const struct value *value, const uint8_t *address, bool ipv6)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (!value->family)
		return true;
	if (value->family == 6)
		return ipv6 && has_prefix(address, value);
	if (!ipv6)
		return has_prefix(address, value);
	return !memcmp(address, mapped, sizeof(mapped)) && has_prefix(address + sizeof(mapped), value);
}

static enum skt_truth test_end(const struct test *test, const struct value *value, const struct skt_sock *sock,
			       unsigned kind)
{
	uint16_t port = value->ports[!skt_table_kind_is_tcp(kind)];
	uint16_t has;

	if (!sock)
		return value->family == 6 && !skt_table_kind_is_ipv6(kind) ? SKT_FALSE : SKT_UNKNOWN;
	if (test->kind != TEST_PORT && value->family && !test->remote && !skt_sock_has_local_address(sock))
		return value->family == 6 && !skt_table_kind_is_ipv6(kind) ? SKT_FALSE : SKT_UNKNOWN;
	if (test->kind != TEST_PORT &&
	    !is_host(value, test->remote ? sock->remote_address : sock->local_address, skt_table_kind_is_ipv6(kind)))
		return SKT_FALSE;
	if (value->any_port)
		return SKT_TRUE;
	if (test->remote && !skt_sock_has_remote_port(sock))
		return SKT_UNKNOWN;
	has = test->remote ? sock->remote_port : sock->local_port;
	return truth_of(holds(test->op, order(has < port, has == port)));
}

static enum skt_truth test_ends(const struct test *test, const struct value *values, const struct skt_sock *sock,
				unsigned kind)
{
	enum skt_truth truth = SKT_FALSE;

	for (uint32_t i = 0; i < test->n_values && truth != SKT_TRUE; i++) {
		enum skt_truth one = test_end(test, &values[i], sock, kind);

		truth = one > truth ? one : truth;
	}
	return truth;
}

/* ---- fields ---- */

/* A command line shows its arguments with blanks between them, and so they are written in an expression. */
static bool is_argv(const struct skt_value *has, const struct value *value)
{
	size_t len = has->len;

	len -= len && !has->text[len - 1];
	if (len != value->len)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((has->text[i] ? has->text[i] : ' ') != value->text[i])
			return false;
	return true;
}

/* Of its lines, "0::/system.slice/ssh.service", the path is what is known by heart; the whole is its name, too. */
static bool is_cgroup(const struct skt_value *has, const struct value *value)
{
	const char *end = has->text + has->len, *line = has->text;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;
		const char *colon = memchr(line, ':', (size_t)(stop - line));
		const char *path = colon ? memchr(colon + 1, ':', (size_t)(stop - colon - 1)) : NULL;

		path = path ? path + 1 : line;
		if ((size_t)(stop - path) == value->len && !memcmp(path, value->text, value->len))
			return true;
		line = newline ? newline + 1 : end;
	}
	return false;
}

static bool is_text(const struct skt_field_info *field, const struct skt_value *has, const struct value *value)
{
	if (field->type == SKT_TYPE_ARGV)
		return is_argv(has, value);
	if (has->len == value->len && !memcmp(has->text, value->text, has->len))
		return true;
	return !strcmp(field->name, "cgroup") && is_cgroup(has, value);
}

static bool is_value(const struct test *test, const struct skt_value *has, const struct value *value)
{
	bool below;

	switch (test->field->type) {
	case SKT_TYPE_NUMBER:
	case SKT_TYPE_BOOL:
		if (has->negative != value->negative)
			return holds(test->op, has->negative ? -1 : 1);
		below = has->negative ? has->number > value->number : has->number < value->number;
		return holds(test->op, order(below, has->number == value->number));
	case SKT_TYPE_TIME:
		return holds(test->op, order(has->time < value->time, has->time == value->time));
	case SKT_TYPE_GAPS:
		return value->number ? has->number & value->number : !has->number;
	default:
		return is_text(test->field, has, value);
	}
}

static enum skt_truth compare(const struct test *test, const struct skt_value *has, const struct value *values)
{
	if (test->op == OP_REGEX) {
		/* a last NUL ends the last argument, and is no blank behind it */
		size_t len = has->len - (test->field->type == SKT_TYPE_ARGV && has->len && !has->text[has->len - 1]);

		return regex_find(test->regex, has->text, len);
	}
	for (uint32_t i = 0; i < test->n_values; i++)
		if (is_value(test, has, &values[i]))
			return SKT_TRUE;
	return SKT_FALSE;
}

static bool is_field(const struct skt_field_info *field, const char *name)
{
	return !strcmp(field->name, name);
}

/*
 * What a field says that the row does not have. What a socket of this kind has no column for it has not, and that is
 * known: a listener has no cwnd above 5. Of a user or a process that could not be read nothing is known.
 */
static enum skt_truth truth_of_null(const struct skt_field_info *field, const struct skt_row *row)
{
	if (is_field(field, "user") || is_field(field, "process_user")) {
		bool has_uid = field->of_process ? row->process->has & SKT_BIT(SKT_P_UID) : skt_row_has_uid(row);

		/*
		 * the names of all uids were stored, so one without a name has none; in a tree there are no names at
		 * all
		 */
		return has_uid && row->snapshot->n_users ? SKT_FALSE : SKT_UNKNOWN;
	}
	if (is_field(field, "container"))
		return row->process->has & SKT_BIT(SKT_P_CGROUP) ? SKT_FALSE : SKT_UNKNOWN;
	/*
	 * a socket that waits for others sends nothing; of any other nobody tells before it is gone, and of UDP's
	 * nobody does
	 */
	if (field->of_event)
		return row->sock->state == SKT_LISTEN ? SKT_FALSE : SKT_UNKNOWN;
	if (row->sock ? row->sock->owner == SKT_OWNER_UNSEEN : flow_is_unseen(row->subject))
		return SKT_UNKNOWN;
	if (field->of_process || is_field(field, "host") || is_field(field, "net_namespace"))
		return SKT_UNKNOWN;
	return SKT_FALSE;
}

/* Words that stand for "not known": it may be any of the others. */
static bool is_unknown(const struct skt_field_info *field, const struct skt_row *row, const struct skt_value *has)
{
	if (is_field(field, "owner"))
		return row->sock->owner == SKT_OWNER_UNKNOWN;
	return is_field(field, "direction") && !strcmp(has->text, direction_name(DIRECTION_UNKNOWN));
}

/* What no row of a socket says otherwise than another: who it is, and what is told once. */
static bool is_of_all_rows(const struct skt_field_info *field)
{
	return (field->of_event && !is_field(field, "source")) || is_field(field, "table") || is_field(field, "host") ||
	       is_field(field, "net_namespace");
}

static enum skt_truth test_field(const struct test *test, const struct value *values, const struct skt_row *row)
{
	const struct skt_field_info *field = test->field;
	struct skt_value has = { 0 };

	if (row->ends_only && !is_of_all_rows(field))
		return SKT_UNKNOWN;
	if (!skt_field_get(field, row, &has))
		return truth_of_null(field, row);
	/* values that stand for "not known": which it would be, the row does not say */
	if (is_field(field, "uid") && !skt_row_has_uid(row))
		return SKT_UNKNOWN;
	if (is_unknown(field, row, &has)) {
		enum skt_truth truth = compare(test, &has, values);

		return truth == SKT_FALSE ? SKT_UNKNOWN : truth;
	}
	return compare(test, &has, values);
}

/*
 * Whether its owners are all known: then a test that none of them passes is false. What has lost its inode and
 * was never seen held was somebody's all the same, and candidates are no owners.
 */
static bool owners_are_complete(const struct skt_sock *sock)
{
	return !sock->owner_gaps && sock->owner != SKT_OWNER_UNKNOWN && sock->owner != SKT_OWNER_DETACHED &&
	       sock->owner != SKT_OWNER_UNSEEN;
}

static enum skt_truth test_owners(const struct test *test, const struct value *values, const struct skt_row *row)
{
	const struct skt_owner *owners = skt_row_owners(row);
	enum skt_truth truth = owners_are_complete(row->sock) ? SKT_FALSE : SKT_UNKNOWN;

	if (row->ends_only)
		return SKT_UNKNOWN;
	for (uint32_t i = 0; i < row->sock->n_owners && truth != SKT_TRUE; i++) {
		struct skt_row of_owner = skt_row_of_owner(row, &owners[i]);
		enum skt_truth one = test_field(test, values, &of_owner);

		truth = one > truth ? one : truth;
	}
	return truth;
}

/* ---- all ---- */

static uint32_t bit_of(unsigned state)
{
	return 1u << (state < 32 ? state : 0);
}

/* What a TCP connection goes through for certain is one of these, whichever. */
#define CONNECTED (((1u << SKT_NEW_SYN_RECV) - 2) & ~(1u << SKT_LISTEN | 1u << SKT_CLOSE))

/* Of a socket that no look has seen it is known in which state it ended; and what got data was established. */
static enum skt_truth test_unseen_states(const struct test *test, const struct skt_row *row, unsigned kind)
{
	const struct skt_event *event = row->event;
	bool got = event && event->has & SKT_BIT(SKT_E_BYTES_RECEIVED) && event->bytes_received;

	if (test->states & bit_of(row->sock->state))
		return SKT_TRUE;
	if (!skt_table_kind_is_tcp(kind))
		return SKT_FALSE;
	if (got && test->states & bit_of(SKT_ESTABLISHED))
		return SKT_TRUE;
	return (test->states & CONNECTED) == CONNECTED && skt_sock_has_peer(row->sock) ? SKT_TRUE : SKT_UNKNOWN;
}

static enum skt_truth test_states(const struct test *test, const struct skt_row *row, unsigned kind)
{
	if (!row || row->ends_only)
		return SKT_UNKNOWN;
	if (row->sock->owner == SKT_OWNER_UNSEEN)
		return test_unseen_states(test, row, kind);
	return truth_of(test->states & bit_of(row->sock->state));
}

/* Of any row of such a table only the table's name is known. */
static enum skt_truth test_kind(const struct test *test, const struct value *values, unsigned kind)
{
	struct skt_value has = { .text = skt_table_kind_name(kind) };

	if (!is_field(test->field, "table"))
		return SKT_UNKNOWN;
	has.len = strlen(has.text);
	return compare(test, &has, values);
}

enum skt_truth test_socket(const struct skt_filter *filter, const struct test *test, const struct skt_row *row,
			   unsigned kind)
{
	/* without any there is no array */
	const struct value *values = test->n_values ? &filter->values[test->first_value] : NULL;

	switch (test->kind) {
	case TEST_STATES:
		return test_states(test, row, kind);
	case TEST_HOST:
	case TEST_PORT:
		return test_ends(test, values, row ? row->sock : NULL, kind);
	case TEST_FIELD:
		break;
	}
	if (!row)
		return test_kind(test, values, kind);
	return test->field->of_process ? test_owners(test, values, row) : test_field(test, values, row);
}
