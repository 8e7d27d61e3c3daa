/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields_on_demand: certificates for names first seen in a handshake.
 */
#include "conf/address.h"
#include "conf/field.h"

static const char *ask_complaint(struct str text)
{
	return address_url_complaint(text, false);
}

static const struct field fields_remember[] = {
	{ "allow", CONF_DURATION, FIELD(conf_on_demand, allow_ms), .dflt = "1h", .min = "0", .max = "30d",
		.help = "How long a yes of the ask endpoint holds." },
	{ "deny", CONF_DURATION, FIELD(conf_on_demand, deny_ms), .dflt = "10m", .min = "0", .max = "30d",
		.help = "How long a no of the ask endpoint holds." },
	{ "if_ask_is_down", CONF_DURATION, FIELD(conf_on_demand, if_ask_is_down_ms), .dflt = "7d", .min = "0", .max = "365d",
		.help = "How long the last yes holds while the endpoint gives no usable answer." },
	{ 0 },
};

static const struct field fields_budget[] = {
	{ "per_tenant", CONF_QUOTA, FIELD(conf_on_demand, per_tenant), .dflt = "0",
		.help = "New names of one tenant, as the ask endpoint names it; `20/h`. 0: no limit." },
	{ "per_registered_domain", CONF_QUOTA, FIELD(conf_on_demand, per_registered_domain), .dflt = "0",
		.help = "New names below one registered domain (`example.co.uk`); `30/7d`. 0: no limit." },
	{ 0 },
};

const struct field fields_on_demand[] = {
	{ "ask", CONF_TEXT, FIELD(conf_on_demand, ask), .complaint = ask_complaint,
		.help = "URL that decides: GET with `domain` and `ip` added to the query. 200 allows, 403, 404 and 410 deny." },
	{ "ask_timeout", CONF_DURATION, FIELD(conf_on_demand, ask_timeout_ms), .dflt = "5s", .min = "10ms", .max = "5m",
		.help = "How long the ask endpoint may take." },
	{ "remember", CONF_OBJECT, 0, .rows = fields_remember,
		.help = "How long answers of the ask endpoint hold." },
	{ "wait", CONF_DURATION, FIELD(conf_on_demand, wait_ms), .dflt = "30s", .min = "0", .max = "10m",
		.help = "How long a first visitor's handshake may wait for the certificate." },
	{ "max_waiting", CONF_COUNT, FIELD(conf_on_demand, max_waiting), .dflt = "1024", .max = "1000000",
		.help = "Handshakes waiting for certificates at a time." },
	{ "max_waiting_per_name", CONF_COUNT, FIELD(conf_on_demand, max_waiting_per_name), .dflt = "256", .max = "1000000",
		.help = "The same for one name." },
	{ "max_labels", CONF_COUNT, FIELD(conf_on_demand, max_labels), .dflt = "10", .min = "1", .max = "127",
		.help = "Names with more labels are refused without asking." },
	{ "negative_names", CONF_COUNT, FIELD(conf_on_demand, negative_names), .dflt = "10000", .min = "16", .max = "10000000",
		.help = "Refused names that are remembered." },
	{ "new_names", CONF_RATE, FIELD(conf_on_demand, new_names_per_minute), .dflt = "0",
		.help = "New names that may be ordered, such as `10/m`; 0: no limit." },
	{ "budget", CONF_OBJECT, 0, .rows = fields_budget,
		.help = "New names that may be ordered for one tenant or below one domain; renewals do not count." },
	{ 0 },
};
