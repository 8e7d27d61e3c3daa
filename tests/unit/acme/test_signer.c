/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/signer.h"

#include "unit.h"

static struct signer signer;
static int told, admitted;

static void on_told(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)w;
	(void)fault;
	assert_int_equal(err, E_OK);
	told++;
}

static void on_admitted(struct waiter *w, enum err err, const struct fault *fault)
{
	(void)fault;
	assert_int_equal(err, E_OK);
	assert_ptr_equal(container_of(w, struct signer_use, waiter)->in, &signer);
	admitted++;
}

static struct waiter closer;

static int begin(void **state)
{
	(void)state;
	told = admitted = 0;
	signer_init(&signer);
	waiter_init(&closer, on_told);
	return 0;
}

static int end(void **state)
{
	(void)state;
	signer_fini(&signer);
	return 0;
}


static void an_empty_one_closes_at_once(void **state)
{
	(void)state;
	assert_true(signer_is_open(&signer));
	signer_close(&signer, &closer);
	assert_int_equal(told, 1);
	assert_false(signer_is_open(&signer));
	signer_open(&signer);
	signer_open(&signer);
	assert_true(signer_is_open(&signer));
}

static void those_inside_get_done_before_it_is_closed(void **state)
{
	struct signer_use proof, its_request;
	(void)state;
	signer_use_init(&proof, SIGNER_PROOF, on_admitted);
	signer_use_init(&its_request, SIGNER_REQUEST, on_admitted);
	assert_true(signer_enter(&signer, &proof));
	assert_true(signer_enter(&signer, &proof));  /* once inside, inside */
	signer_close(&signer, &closer);
	/* a proof makes requests to get done */
	assert_true(signer_enter(&signer, &its_request));
	signer_leave(&its_request);
	assert_int_equal(told, 0);
	assert_true(signer_enter(&signer, &its_request));
	signer_leave(&proof);
	assert_int_equal(told, 0);
	signer_leave(&its_request);
	assert_int_equal(told, 1);
	signer_leave(&its_request);
	signer_leave(&proof);
	signer_open(&signer);
}

static void who_comes_meanwhile_waits_and_goes_on(void **state)
{
	struct signer_use proof, request, left;
	(void)state;
	signer_use_init(&proof, SIGNER_PROOF, on_admitted);
	signer_use_init(&request, SIGNER_REQUEST, on_admitted);
	signer_use_init(&left, SIGNER_REQUEST, on_admitted);
	signer_close(&signer, &closer);
	assert_false(signer_enter(&signer, &proof));
	assert_false(signer_enter(&signer, &request));
	assert_false(signer_enter(&signer, &left));
	signer_leave(&left);
	assert_int_equal(admitted, 0);
	signer_open(&signer);
	assert_int_equal(admitted, 2);
	signer_leave(&proof);
	signer_leave(&request);
}

static void a_closer_that_gives_up_lets_them_in(void **state)
{
	struct signer_use inside, late;
	(void)state;
	signer_use_init(&inside, SIGNER_PROOF, on_admitted);
	signer_use_init(&late, SIGNER_PROOF, on_admitted);
	assert_true(signer_enter(&signer, &inside));
	signer_close(&signer, &closer);
	assert_false(signer_enter(&signer, &late));
	signer_open(&signer);
	assert_int_equal(admitted, 1);
	signer_leave(&inside);
	signer_leave(&late);
	assert_int_equal(told, 0);
}

static void the_key_is_held_until_another_comes(void **state)
{
	struct key *key = NULL, *other = NULL;
	(void)state;
	assert_int_equal(key_generate(CONF_KEY_P256, &key), E_OK);
	assert_int_equal(key_generate(CONF_KEY_P256, &other), E_OK);
	signer_set_key(&signer, key);
	signer_set_key(&signer, key);
	key_unref(&key);
	assert_non_null(signer.key);
	signer_set_key(&signer, other);
	assert_ptr_equal(signer.key, other);
	key_unref(&other);
	signer_set_key(&signer, NULL);
	assert_null(signer.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_one_closes_at_once, begin, end),
		cmocka_unit_test_setup_teardown(those_inside_get_done_before_it_is_closed, begin, end),
		cmocka_unit_test_setup_teardown(who_comes_meanwhile_waits_and_goes_on, begin, end),
		cmocka_unit_test_setup_teardown(a_closer_that_gives_up_lets_them_in, begin, end),
		cmocka_unit_test_setup_teardown(the_key_is_held_until_another_comes, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
