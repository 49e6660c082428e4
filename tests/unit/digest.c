/* SPDX-License-Identifier: MIT */
#include "record/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The digest of rows, DIGEST of skt(5). What it must be for some_row() was reckoned in Python from that page. */

enum { SOME_DIGEST = (int)0x5b3c4cfa };

static struct skt_owner some_owners[] = { { .process = 8, .fd = 17 }, { .process = 9, .fd = -100 } };

static struct skt_sock some_row(void)
{
	return (struct skt_sock){
		.table = 3,
		.local_port = 443,
		.remote_port = 51034,
		.local_address = { 10, 23, 4, 5 },
		.remote_address = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
		.inode = UINT64_C(1) << 40,
		.sk = UINT64_C(0xffff888012345678),
		.rto = 200,
		.ato = 40,
		.tx_queue = 5,
		.rx_queue = 6,
		.retransmits = 7,
		.probes = -1,
		.uid = 33,
		.ref = 2,
		.quick = 9,
		.cwnd = 10,
		.ssthresh = -1,
		.drops = 11,
		.tail = 12,
		.text = 13,
		.has = 0x3ff,
		.state = 1,
		.timer = 2,
		.timer_expires = -5000000000,
		.owner = 1,
		.owner_gaps = 4,
		.n_owners = 2,
	};
}

static uint32_t digest_of(struct skt_sock *rows, size_t n)
{
	struct skt_snapshot snapshot = { .socks = rows, .n_socks = n, .owners = some_owners, .n_owners = 2 };

	return digest_rows(&snapshot);
}

static void a_row_has_the_digest_that_the_page_says(void **state)
{
	struct skt_sock row = some_row();

	(void)state;
	assert_int_equal(digest_of(&row, 1), (uint32_t)SOME_DIGEST);
}

static void rows_add_up_and_free_slots_do_not_count(void **state)
{
	struct skt_sock rows[3] = { some_row(), some_row(), some_row() };

	(void)state;
	rows[1].table = SKT_NO_TABLE;
	assert_int_equal(digest_of(rows, 3), (uint32_t)SOME_DIGEST * 2);
	assert_int_equal(digest_of(rows, 0), 0);
}

/* Where in the row the digest must not look: how slots and runs are numbered, and what is not stored. */
static bool counts(size_t byte)
{
	struct skt_sock row = { .table = 0 };
	size_t unsaid[][2] = {
		{ offsetof(struct skt_sock, first_owner), sizeof(row.first_owner) },
		{ offsetof(struct skt_sock, n_owners), sizeof(row.n_owners) },
		{ offsetof(struct skt_sock, first_last), sizeof(row.first_last) },
		{ offsetof(struct skt_sock, n_last), sizeof(row.n_last) },
	};

	for (size_t i = 0; i < sizeof(unsaid) / sizeof(*unsaid); i++)
		if (byte >= unsaid[i][0] && byte < unsaid[i][0] + unsaid[i][1])
			return false;
	return byte < offsetof(struct skt_sock, listed);
}

static void flip(struct skt_sock *row, size_t bit)
{
	((unsigned char *)row)[bit / 8] ^= (unsigned char)(1 << bit % 8);
}

static void any_bit_that_flips_is_noticed(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * sizeof(struct skt_sock); bit++) {
		struct skt_sock row = some_row();

		flip(&row, bit);
		if (counts(bit / 8))
			assert_int_not_equal(digest_of(&row, 1), (uint32_t)SOME_DIGEST);
	}
}

/* The highest bit of a product is that of its factor: a hash that only multiplies would let two of them cancel. */
static void two_highest_bits_that_flip_do_not_cancel(void **state)
{
	struct skt_sock row = some_row();

	(void)state;
	row.inode ^= UINT64_C(1) << 63;
	row.sk ^= UINT64_C(1) << 63;
	assert_int_not_equal(digest_of(&row, 1), (uint32_t)SOME_DIGEST);
}

static void owners_that_change_places_are_noticed(void **state)
{
	struct skt_sock row = some_row();
	struct skt_owner first = some_owners[0];
	uint32_t digest;

	(void)state;
	some_owners[0] = some_owners[1];
	some_owners[1] = first;
	digest = digest_of(&row, 1);
	some_owners[1] = some_owners[0];
	some_owners[0] = first;
	assert_int_not_equal(digest, (uint32_t)SOME_DIGEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_has_the_digest_that_the_page_says),
		cmocka_unit_test(rows_add_up_and_free_slots_do_not_count),
		cmocka_unit_test(any_bit_that_flips_is_noticed),
		cmocka_unit_test(two_highest_bits_that_flip_do_not_cancel),
		cmocka_unit_test(owners_that_change_places_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
