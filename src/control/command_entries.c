#include "control/command.h"

#include "base/clock.h"
#include "cache/backup.h"
#include "control/print.h"
#include "control/selection.h"
#include "redmine/tags.h"

/* What a walk over the cache has met so far. */
struct walk {
	struct caller *caller;
	const struct selection *selection;
	struct cache *cache;
	bool soft;
	int64_t now_ms, limit;
	uint64_t count, bytes;
};

static bool show_entry(void *arg, struct entry *entry, bool in_memory)
{
	struct walk *walk = arg;

	if (!selection_has(walk->selection, entry))
		return !caller_should_stop(walk->caller);
	walk->count++;
	walk->bytes += entry->body->size;
	if (caller_row(walk->caller, print_entry(entry, in_memory, walk->now_ms)) < 0)
		return false;
	return walk->limit == 0 || (int64_t)walk->count < walk->limit;
}

/* What came of a walk: how many entries, how many bytes of bodies. */
static void end_walk(struct walk *walk, int result)
{
	struct json_object *object;

	if (result < 0) {
		caller_error(walk->caller, "failed", "Out of memory.");
		return;
	}
	object = json_object_new_object();
	json_object_object_add(object, "entries", json_object_new_uint64(walk->count));
	json_object_object_add(object, "bytes", json_object_new_uint64(walk->bytes));
	if (walk->soft)
		json_object_object_add(object, "soft", json_object_new_boolean(true));
	caller_result(walk->caller, object);
}

void command_entries(struct caller *caller, struct json_object *arguments)
{
	struct cache *cache = caller->settings->flow->cache;
	struct selection selection;
	struct json_object *limit;
	struct walk walk = {.caller = caller, .selection = &selection, .now_ms = clock_wall_ms()};

	if (selection_read(&selection, caller, arguments) < 0)
		return;
	if (json_object_object_get_ex(arguments, "limit", &limit))
		walk.limit = json_object_get_int64(limit);
	end_walk(&walk, cache_walk(cache, show_entry, &walk));
	selection_release(&selection);
}

/* Soft: what is there is to be validated before it is served again, and is there when Redmine is not. */
static void make_stale(struct cache *cache, struct entry *entry, int64_t now_ms)
{
	CLEANUP(entry_unrefp) struct entry *stale = entry_copy_head(entry);

	if (!stale)
		return;
	if (stale->fresh_until_ms > now_ms)
		stale->fresh_until_ms = now_ms;
	cache_put(cache, stale);
}

static bool purge_entry(void *arg, struct entry *entry, bool in_memory)
{
	struct walk *walk = arg;

	if (!selection_has(walk->selection, entry))
		return !caller_should_stop(walk->caller);
	walk->count++;
	walk->bytes += entry->body->size;
	if (walk->soft)
		make_stale(walk->cache, entry, walk->now_ms);
	else
		cache_drop(walk->cache, &entry->key);
	return !caller_should_stop(walk->caller);
}

/*
 * What is being fetched is not in the cache yet, and must not enter it: the generations of what is purged are raised where
 * they are known. For a URL or a pattern they are not.
 */
static void raise_tags(struct cache *cache, const struct selection *selection)
{
	uint64_t tags[2];
	size_t count = 0;

	if (selection_is_open(selection)) {
		tags[count++] = tag_number(tag_class_name(TAG_ANY));
		tags[count++] = tag_number(tag_class_name(TAG_META));
	} else if (selection->url || selection->pattern || (selection->tagged && selection->identified)) {
		return;
	} else {
		tags[count++] = selection->tagged ? selection->tag : selection->identity;
	}
	cache_write_begin(cache, tags, count, NULL, NULL);
	cache_write_end(cache, tags, count, true);
}

void command_purge(struct caller *caller, struct json_object *arguments)
{
	struct cache *cache = caller->settings->flow->cache;
	struct selection selection;
	struct walk walk = {.caller = caller,
	        .selection = &selection,
	        .cache = cache,
	        .soft = caller_flag(arguments, "soft"),
	        .now_ms = clock_wall_ms()};

	if (selection_read(&selection, caller, arguments) < 0)
		return;
	if (selection_is_open(&selection) != selection.all) {
		caller_error(caller, "bad-request",
		        "purge needs what it is about: url, pattern, tag, identity, or all alone.");
	} else {
		int result;

		cache_note_removal(cache);
		result = cache_walk(cache, purge_entry, &walk);
		if (!walk.soft) {
			raise_tags(cache, &selection);
			if (selection.all)
				cache_clear(cache);
		}
		end_walk(&walk, result);
	}
	selection_release(&selection);
}
