#include "control/command.h"

#include "base/clock.h"
#include "control/print.h"
#include "control/selection.h"
#include "flow/policy.h"
#include "front/status.h"
#include "redmine/identity.h"
#include "redmine/redact.h"

#include <string.h>

#define SHOWN_MAX 1024

/* One question that is explained. */
struct explained {
	struct caller *caller;
	struct conf *conf;
	struct selection selection;
	const struct resource *row;      /* of the table; NULL: none */
	const struct resource *resource; /* whose rules hold; NULL: RFC 9111 */
	struct tags tags;
	struct known_tag known[2]; /* of the one thing that it is about, and of whoever asked last */
	bool missed;
	struct record miss; /* if missed: the last request that was no hit */
	struct json_object *stored;
	int64_t now_ms;
};

static const char *why_asked(const struct record *record)
{
	if (record->kind == CACHE_KIND_COLLAPSED)
		return "an equal request was under way; both got its answer";
	switch (record->why) {
	case FORWARD_NOT:
		return "the daemon answered it by itself";
	case FORWARD_URI_MISS:
		return "nothing was stored under its key: not asked before with this credential and these parameters, or "
		       "spoilt by a write, or pushed out";
	case FORWARD_STALE:
		return "what was stored was older than its lifetime";
	case FORWARD_REQUEST:
		return "the request's Cache-Control wanted Redmine to be asked";
	case FORWARD_BYPASS:
		return "the cache has no part in such a request: it carries a cookie, or a range or condition that is "
		       "Redmine's to judge";
	case FORWARD_METHOD:
		return "it is a write, or a method that is always passed on";
	}
	WRONG("a forward outside its enum");
}

static struct json_object *print_rule(const struct explained *e)
{
	struct json_object *object = json_object_new_object();

	if (!e->resource) {
		status_add_text(object, "by",
		        e->row ? "the answer's own fields (RFC 9111): cache.policy = origin"
		               : "the answer's own fields (RFC 9111): a path that the daemon does not know");
		return object;
	}
	status_add_text(object, "by", "[lifetime] of the resource");
	json_object_object_add(object, "lifetime_s",
	        json_object_new_double(
	                (double)conf_lifetime_ms(e->conf, e->resource->name, e->resource->lifetime_ms) / 1000));
	json_object_object_add(object, "memory_only", json_object_new_boolean(e->resource->traits & RESOURCE_SECRET));
	return object;
}

/* What an answer's key is made of; the credential is in it as a keyed digest only. */
static struct json_object *print_key(const struct explained *e)
{
	static const char *const parts[] = {"Redmine's address", "the path", "the query in its normal form",
	        "the credential, in every form it came in, and the impersonated login", "Accept-Language",
	        "X-Redmine-Nometa"};
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		json_object_array_add(array, json_object_new_string(parts[i]));
	return array;
}

/* The last request of that target that was no hit; NULL: none among those that are remembered. */
static struct json_object *print_last_miss(const struct explained *e)
{
	struct json_object *object;

	if (!e->missed)
		return NULL;
	object = status_print_record(&e->miss, true);
	status_add_text(object, "why", why_asked(&e->miss));
	json_object_object_add(object, "stored", json_object_new_boolean(e->miss.stored));
	return object;
}

static bool has_slot(const struct tag_notes *notes, uint32_t slot)
{
	for (uint32_t i = 0; i < notes->count; i++)
		if (notes->items[i].slot == slot)
			return true;
	return false;
}

static bool add_stored(void *arg, struct entry *entry, bool in_memory)
{
	struct explained *e = arg;
	struct json_object *object;

	if (!selection_has(&e->selection, entry))
		return !caller_should_stop(e->caller);
	if (e->missed && has_slot(&entry->tags, generations_slot(e->known[1].number)))
		e->miss.stored = true; /* also where that was not known yet when the answer began: of a whole list */
	object = print_entry(entry, in_memory, e->now_ms);
	json_object_object_add(object, "tags", print_tags(&entry->tags, e->known, ARRAY_SIZE(e->known)));
	json_object_array_add(e->stored, object);
	return true;
}

/* The tags that an answer would be stored with now. */
static struct json_object *print_present_tags(const struct explained *e)
{
	struct generations *generations = cache_generations(e->caller->settings->flow->cache);
	struct tag_notes notes;

	generations_note(generations, e->tags.items, e->tags.count, &notes);
	return print_tags(&notes, e->known, ARRAY_SIZE(e->known));
}

/* "issue:12" of /issues/12.json: the tag that only such answers have. */
static void find_own(struct explained *e)
{
	static const char *const kinds[] = {"issue", "time_entry", "attachment"};
	struct target_segment segment;
	size_t at = 0;

	while (target_next_segment(&e->selection.target, &at, &segment)) {
		if (segment.text[0] < '0' || segment.text[0] > '9')
			continue;
		target_segment_cut(&segment);
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
			tag_of_one(e->known[0].name, sizeof(e->known[0].name), kinds[i], &segment);
			e->known[0].number = tag_number(e->known[0].name);
			for (size_t tag = 0; tag < e->tags.count; tag++)
				if (e->tags.items[tag] == e->known[0].number)
					return;
		}
	}
	e->known[0].name[0] = '\0';
}

static struct json_object *print_explained(struct explained *e, const char *shown)
{
	struct json_object *object = json_object_new_object();

	status_add_text(object, "target", shown);
	json_object_object_add(object, "now_ms", json_object_new_int64(e->now_ms));
	status_add_text(object, "resource", e->row ? e->row->name : "other");
	json_object_object_add(object, "pattern", e->row ? json_object_new_string(e->row->pattern) : NULL);
	json_object_object_add(object, "rule", print_rule(e));
	json_object_object_add(object, "key_parts", print_key(e));
	json_object_object_add(object, "tags", print_present_tags(e));
	json_object_object_add(object, "stored", json_object_get(e->stored));
	json_object_object_add(object, "last_miss", print_last_miss(e));
	status_add_text(object, "refreshed_by",
	        "the end of its lifetime; a write through the daemon that spoils one of its tags; Cache-Control: no-cache in a "
	        "request; redmine-cachectl purge");
	return object;
}

static void explain(struct explained *e)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(SHOWN_MAX * 4);
	const struct selection *selection = &e->selection;

	if (redact_target(selection->url, SHOWN_MAX, &shown) < 0) {
		caller_error(e->caller, "failed", "Out of memory.");
		return;
	}
	e->row = resource_match(&selection->target, selection->query.api_format);
	e->resource = policy_resource(e->conf, e->row);
	tags_of_read(&e->tags, e->resource, &selection->target, &selection->query);
	find_own(e);
	e->missed = records_find_miss(front_records(e->caller->settings->front), buf_text(&shown), &e->miss);
	if (e->missed && strlen(e->miss.identity) == IDENTITY_DIGITS) {
		snprintf(e->known[1].name, sizeof(e->known[1].name), "identity:%s", e->miss.identity);
		e->known[1].number = identity_tag_of(e->miss.identity);
	}
	if (cache_walk(e->caller->settings->flow->cache, add_stored, e) < 0)
		caller_error(e->caller, "failed", "Out of memory.");
	else
		caller_result(e->caller, print_explained(e, buf_text(&shown)));
}

void command_explain(struct caller *caller, struct json_object *arguments)
{
	struct explained e = {.caller = caller, .now_ms = clock_wall_ms()};

	if (!caller_text(arguments, "url")) {
		caller_error(caller, "bad-request", "explain needs a url.");
		return;
	}
	if (selection_read(&e.selection, caller, arguments) < 0)
		return;
	e.conf = front_conf(caller->settings->front);
	e.stored = json_object_new_array();
	explain(&e);
	json_object_put(e.stored);
	conf_unref(e.conf);
	selection_release(&e.selection);
}
