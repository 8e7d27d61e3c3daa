/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acme/registration.h"

#include "script.h"

static struct key *key;
static struct script script;
static struct ca ca;

static int make_key(void **state)
{
	(void)state;
	log_setup(2, LOG_ERROR, LOG_TEXT);
	return key_generate(CONF_KEY_P256, &key);
}

static int drop_key(void **state)
{
	(void)state;
	key_unref(&key);
	return 0;
}

static struct json *payload_of(const struct conf_ca *conf, const char *email, enum err expected)
{
	static const struct script_line lines[] = { DIRECTORY_LINE };
	struct json *root = NULL;
	struct buf text;
	buf_init(&text, 0);
	script_open(&script, &ca, lines, 1);
	script_fetch_directory(&script, &ca);
	ca.conf = conf;
	assert_int_equal(registration_new(&ca, key, email, &text), expected);
	if (!expected)
		assert_int_equal(json_parse(buf_str(&text), &json_limits_default, &root, NULL), E_OK);
	script_close(&script, &ca);
	buf_fini(&text);
	return root;
}

static void the_terms_are_agreed_to_and_the_contact_is_a_mail_address(void **state)
{
	(void)state;
	struct json *root = payload_of(&script_conf, "ops@a.test", E_OK);
	assert_true(json_bool(json_get(root, "termsOfServiceAgreed"), false));
	assert_true(str_is(json_str(json_first(json_get(root, "contact"))), "mailto:ops@a.test"));
	assert_null(json_get(root, "externalAccountBinding"));
	json_free(&root);
	root = payload_of(&script_conf, NULL, E_OK);
	assert_null(json_get(root, "contact"));
	json_free(&root);
}

static void a_binding_goes_along_where_there_is_one(void **state)
{
	struct conf_ca conf = script_conf;
	(void)state;
	conf.eab_kid = "kid-1";
	conf.eab_hmac = "AAECAwQFBgcICQoLDA0ODw";
	struct json *root = payload_of(&conf, NULL, E_OK);
	assert_non_null(json_get(json_get(root, "externalAccountBinding"), "signature"));
	json_free(&root);
	conf.eab_hmac = "!";
	payload_of(&conf, NULL, E_PARSE);
}

static void updates_are_what_the_standard_says(void **state)
{
	struct buf text;
	(void)state;
	buf_init(&text, 0);
	registration_contact("a@b", &text);
	assert_true(str_is(buf_str(&text), "{\"contact\":[\"mailto:a@b\"]}"));
	buf_clear(&text);
	registration_contact("", &text);
	assert_true(str_is(buf_str(&text), "{\"contact\":[]}"));
	buf_clear(&text);
	registration_deactivate(&text);
	assert_true(str_is(buf_str(&text), "{\"status\":\"deactivated\"}"));
	buf_clear(&text);
	registration_agree(&text);
	assert_true(str_is(buf_str(&text), "{\"termsOfServiceAgreed\":true}"));
	buf_clear(&text);
	registration_ask(&text);
	assert_true(str_is(buf_str(&text), "{\"onlyReturnExisting\":true}"));
	buf_fini(&text);
}

static void any_answer_can_be_read(void **state)
{
	struct registration_view view;
	char many[4096] = "{\"status\":\"valid\",\"contact\":[";
	(void)state;
	registration_read(STR("{\"status\":\"valid\",\"contact\":[\"mailto:a@b\",\"mailto:c@d\"]}"), &view);
	assert_string_equal(view.status, "valid");
	assert_string_equal(view.contact, "mailto:a@b, mailto:c@d");
	static const char *const odd[] = { "", "[]", "{", "7", "{\"status\":7,\"contact\":\"x\"}",
		"{\"contact\":[7,null]}" };
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		registration_read(str_from(odd[i]), &view);
		assert_string_equal(view.status, "");
	}
	for (int i = 0; i < 200; i++)
		strcat(many, i ? ",\"mailto:x@y\"" : "\"mailto:x@y\"");
	strcat(many, "]}");
	registration_read(str_from(many), &view);
	assert_true(strlen(view.contact) < sizeof view.contact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_terms_are_agreed_to_and_the_contact_is_a_mail_address),
		cmocka_unit_test(a_binding_goes_along_where_there_is_one),
		cmocka_unit_test(updates_are_what_the_standard_says),
		cmocka_unit_test(any_answer_can_be_read),
	};
	return cmocka_run_group_tests(tests, make_key, drop_key);
}
