#include "control/command.h"

#include "base/clock.h"
#include "control/dump.h"
#include "front/status.h"
#include "upstream/origin.h"

#include <errno.h>

/* Restored answers are given to the store in such portions, so that its queue does not overflow. */
#define PORTION_ENTRIES 64
#define PORTION_BYTES   (1 << 20)

static struct dump_place place_of(struct caller *caller)
{
	const struct flow *flow = caller->settings->flow;
	struct conf *conf = front_conf(caller->settings->front);
	struct dump_place place = {.upstream = flow->origin->base,
	        .policy = conf->cache.policy == CACHE_POLICY_ORIGIN ? "origin" : "redmine",
	        .secret = flow->secret};

	conf_unref(conf);
	return place;
}

/* A dump under way. */
struct dumping {
	struct caller *caller;
	struct dump_place place;
	struct dump_header header;
	bool begun;
	uint64_t entries, bytes, left_out;
};

static bool begin(struct dumping *dumping)
{
	struct json_object *object;

	if (dumping->begun)
		return true;
	dumping->begun = true;
	object = dump_print_header(&dumping->place, &dumping->header, clock_wall_ms());
	return object && caller_row(dumping->caller, object) == 0;
}

static bool dump_entry(void *arg, struct entry *entry, bool in_memory)
{
	struct dumping *dumping = arg;
	struct json_object *object;

	if (!begin(dumping))
		return false;
	object = dump_print_entry(&dumping->place, &dumping->header, entry);
	if (!object) {
		dumping->left_out++;
		return !caller_should_stop(dumping->caller);
	}
	if (caller_row(dumping->caller, object) < 0)
		return false;
	for (size_t at = 0; at < entry->body->size; at += DUMP_PIECE) {
		object = dump_print_piece(entry, at);
		if (!object || caller_row(dumping->caller, object) < 0)
			return false;
	}
	dumping->entries++;
	dumping->bytes += entry->body->size;
	return true;
}

void command_dump(struct caller *caller, struct json_object *arguments)
{
	struct dumping dumping = {.caller = caller, .place = place_of(caller)};
	struct json_object *object;
	uint64_t left_out = 0;

	if (cache_dump(caller->settings->flow->cache, &dumping.header.history, &left_out, dump_entry, &dumping) != 0 ||
	        !begin(&dumping)) {
		caller_error(caller, "failed", "The daemon ends, or is out of memory: the dump is not whole.");
		return;
	}
	object = json_object_new_object();
	status_add_count(object, "entries", dumping.entries);
	status_add_count(object, "bytes", dumping.bytes);
	status_add_count(object, "left_out", left_out + dumping.left_out);
	caller_result(caller, object);
}

/* A restore under way. */
struct restoring {
	struct caller *caller;
	struct dump_place place;
	struct dump_header header;
	struct dump_incoming incoming;
	uint64_t line, came[CACHE_RESTORED_USELESS + 1];
	uint64_t portion_entries, portion_bytes; /* since the store was waited for */
	bool ended;
};

static void put(struct restoring *restoring, struct entry *entry)
{
	struct cache *cache = restoring->caller->settings->flow->cache;

	restoring->portion_entries++;
	restoring->portion_bytes += entry->body->size;
	restoring->came[cache_restore(cache, entry, &restoring->header.history)]++;
	if (restoring->portion_entries < PORTION_ENTRIES && restoring->portion_bytes < PORTION_BYTES)
		return;
	cache_settle(cache);
	restoring->portion_entries = restoring->portion_bytes = 0;
}

static int take_object(struct restoring *restoring, struct json_object *object, struct fail *fail)
{
	struct dump_incoming *incoming = &restoring->incoming;
	struct entry *entry;
	int r;

	if (json_object_object_get_ex(object, "body", NULL))
		r = dump_read_piece(incoming, object, fail);
	else if (incoming->entry)
		r = fail_set(fail, -EINVAL, "an answer ends before its body does");
	else if (json_object_object_get_ex(object, "end", NULL)) {
		restoring->ended = true;
		return 0;
	} else
		r = dump_read_entry(incoming, object, fail);
	if (r < 0 || incoming->body.size < incoming->size)
		return r;
	entry = dump_take(incoming, &restoring->place, &restoring->header, fail);
	if (!entry)
		return fail->code;
	put(restoring, entry);
	entry_unref(entry);
	return 0;
}

static int take_line(struct restoring *restoring, const char *text, struct fail *fail)
{
	struct json_object *object = json_tokener_parse(text);
	int r = object && json_object_is_type(object, json_type_object) ? take_object(restoring, object, fail)
	                                                                : fail_set(fail, -EINVAL, "no JSON object");

	restoring->line++;
	json_object_put(object);
	return r;
}

static struct json_object *print_came(const struct restoring *restoring)
{
	static const char *const names[] = {
	        [CACHE_RESTORED_WHOLE] = "restored",
	        [CACHE_RESTORED_DOUBTFUL] = "to_validate",
	        [CACHE_RESTORED_PRESENT] = "present",
	        [CACHE_RESTORED_SPOILT] = "spoilt",
	        [CACHE_RESTORED_USELESS] = "expired",
	};
	struct json_object *object = json_object_new_object();
	uint64_t all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		all += restoring->came[i];
	status_add_count(object, "entries", all);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		status_add_count(object, names[i], restoring->came[i]);
	return object;
}

/* Lines of the dump until its end. What was put back before something goes wrong stays: each answer stands for itself. */
static void take_lines(struct restoring *restoring)
{
	struct caller *caller = restoring->caller;
	struct fail fail = {0};
	bool more = true;
	char *text;
	int r = 0;

	while (r == 0 && more && !restoring->ended && !caller_should_stop(caller) && caller_line(caller, &text)) {
		more = text[0]; /* an empty line: that was all */
		if (more)
			r = take_line(restoring, text, &fail);
		free(text);
	}
	if (restoring->ended) {
		caller_result(caller, print_came(restoring));
		return;
	}
	if (r < 0)
		caller_error(caller, "bad-dump", "Line %llu of the dump: %s.", (unsigned long long)restoring->line,
		        fail.text);
	else
		caller_error(caller, "bad-dump", "The dump has no end: it is not whole.");
	caller->gone = true; /* the rest of its lines are no commands */
}

void command_restore(struct caller *caller, struct json_object *arguments)
{
	struct restoring restoring = {.caller = caller, .place = place_of(caller), .line = 1};
	struct fail fail = {0};

	if (dump_read_header(&restoring.place, arguments, &restoring.header, &fail) < 0) {
		caller_error(caller, "bad-dump", "%s", fail.text);
		caller->gone = true;
		return;
	}
	take_lines(&restoring);
	dump_incoming_release(&restoring.incoming);
}
