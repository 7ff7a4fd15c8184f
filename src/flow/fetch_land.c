#include "flow/fetch_inside.h"

#include "base/clock.h"
#include "flow/forward.h"
#include "flow/harvest.h"
#include "flow/outcome.h"
#include "flow/stale.h"
#include "flow/variant.h"

#include <errno.h>

/* What is not kept with the answer is for the one client whose request brought it. */
static void give_own(struct fetch *f)
{
	for (size_t i = 0; i < f->own.count; i++)
		if (fields_add(&f->r->answer.fields, f->own.items[i].name, f->own.items[i].value) < 0)
			return;
}

/* Set-Cookie where an API format is answered is not even for that one. */
static int take_own(struct fetch *f)
{
	bool cookies = forward_passes_cookies(f->r, &f->fields);
	struct directives directives;

	directives_of_answer(&directives, &f->fields, !f->r->resource);
	for (size_t i = 0; i < f->fields.count; i++) {
		const struct field *field = &f->fields.items[i];

		if (!harvest_leaves_out(f->r, &directives, field->name) || field_name_is(field->name, "Age") ||
		        field_name_is(field->name, "Content-Length") ||
		        (field_name_is(field->name, "Set-Cookie") && !cookies))
			continue;
		if (fields_add(&f->own, field->name, field->value) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A waiter whose request selects another variant than the one that came (RFC 9111 section 4.1); "*": each does. */
static bool is_other_variant(const struct fetch *f, const struct request *waiter, const struct entry *entry)
{
	struct cache_key key, sent = entry->key;

	if (waiter == f->r || !variant_varies(&entry->fields))
		return false;
	if (fields_has_token(&entry->fields, "Vary", "*"))
		return true;
	/* What is kept of a resource varies on nothing that is not part of its key. */
	if (waiter->resource && (f->keep.keep || entry->status != 200))
		return false;
	variant_key(&key, &waiter->primary, &entry->fields, &waiter->fields, f->flow->secret);
	if (waiter->resource)
		variant_key(&sent, &f->r->primary, &entry->fields, &f->r->fields, f->flow->secret);
	return !cache_key_equal(&key, &sent);
}

/* True for a waiter whose time is not up when that of the request is which was sent, as it was one that it chose itself. */
static bool waits_longer(const struct fetch *f, const struct request *waiter, const struct job_result *result)
{
	int64_t limit_ms = f->r->preferences.wait_ms;

	return result->outcome == JOB_TIMEOUT && limit_ms > 0 && waiter != f->r &&
	       (waiter->preferences.wait_ms == 0 || waiter->preferences.wait_ms > limit_ms);
}

/* Why the old answer would be served instead of this one; STALE_NOT: it is a good one. */
static enum stale_reason stale_reason_of(
        const struct fetch *f, const struct entry *entry, const struct job_result *result)
{
	if (entry)
		return fetch_is_failure(f->status) ? STALE_ERROR : STALE_NOT;
	if (f->stopped)
		return STALE_BREAKER;
	return f->impatient && result->outcome == JOB_TIMEOUT ? STALE_SLOW : STALE_ERROR;
}

/* The waiter's old answer, if it may have that instead. */
static bool serve_stale(struct fetch *f, struct request *waiter, enum stale_reason reason)
{
	int64_t now_ms = clock_wall_ms();

	if (reason == STALE_NOT || !waiter->stale ||
	        !stale_may_serve(waiter, waiter->stale, cache_generations(f->flow->cache), reason, now_ms))
		return false;
	if (reason == STALE_SLOW)
		stale_refresh(waiter, true);
	stale_answer(waiter, reason, now_ms);
	if (waiter->answer.cache.forward != FORWARD_NOT)
		waiter->answer.cache.forward_status = f->status;
	return true;
}

/* What waiter asks for is not what came: it goes on by itself, from that step. */
static bool goes_on(struct fetch *f, struct request *waiter, struct entry *entry, bool stored,
        const struct job_result *result, enum flow_step *ret)
{
	*ret = STEP_JOIN;
	if (!entry && (waits_longer(f, waiter, result) || (f->impatient && result->outcome == JOB_TIMEOUT)))
		return true;
	if (!entry || !is_other_variant(f, waiter, entry))
		return false;
	waiter->key = waiter->primary;
	*ret = stored ? STEP_LOOKUP : STEP_PASS;
	return true;
}

/* RFC 9111 section 5.2.2.2: a cache that cannot validate says 504. */
static bool must_validate(const struct request *waiter)
{
	return !waiter->resource && waiter->stale && waiter->stale->flags & ENTRY_MUST_REVALIDATE;
}

static void answer_waiter(
        struct fetch *f, struct request *waiter, struct entry *entry, bool stored, const struct job_result *result)
{
	if (entry)
		request_answer_entry(waiter, entry);
	else if (must_validate(waiter) && f->status == 0)
		request_answer_error(waiter, 504, f->retry_after,
		        "What is stored must be validated before it is used, and Redmine did not answer.");
	else if (f->stopped)
		outcome_answer_left_alone(waiter, f->retry_after);
	else
		outcome_answer(waiter, result, false, f->status);
	fetch_set_cache_status(f, waiter);
	if (waiter == f->r && entry)
		give_own(f);
	waiter->answer.cache.stored = stored;
}

/* Everybody who waits gets the entry, or the error when there is none; instead of an error an old answer if there is one. */
void fetch_land(struct fetch *f, struct entry *entry, bool stored, bool validated, const struct job_result *result)
{
	struct request *waiter = flight_land(f->flow->flights, f->flight);
	enum stale_reason reason = stale_reason_of(f, entry, result);

	f->flight = NULL;
	while (waiter) {
		struct request *next = waiter->next_waiter;
		enum flow_step step = STEP_DELIVER;

		if (!serve_stale(f, waiter, reason) && !goes_on(f, waiter, entry, stored, result, &step)) {
			answer_waiter(f, waiter, entry, stored, result);
			if (validated)
				waiter->answer.cache.forward_status = 304;
			step = STEP_DELIVER;
		}
		if (step == STEP_DELIVER)
			waiter->answer.upstream_us = f->stopped ? -1 : result->upstream_us;
		flow_resume(waiter, step);
		request_unref(waiter);
		waiter = next;
	}
}

/* Publishes the entry; one of several variants with the marker that leads to it. */
static bool keep_entry(struct fetch *f, struct entry *entry)
{
	CLEANUP(entry_unrefp) struct entry *marker = NULL;

	if (!f->r->resource && variant_varies(&entry->fields)) {
		marker = variant_marker(entry, &f->r->primary);
		if (!marker || !cache_put(f->flow->cache, marker))
			return false;
	}
	return cache_put(f->flow->cache, entry);
}

void fetch_finish_for_flight(struct fetch *f, const struct job_result *result)
{
	CLEANUP(entry_unrefp) struct entry *entry = NULL;
	struct job_result failed = {.outcome = JOB_REFUSED, .text = "out of memory"};
	bool validated = f->status == 304 && f->r->stale, stored = false;

	if (result->outcome != JOB_DONE) {
		fetch_land(f, NULL, false, false, result);
		return;
	}
	if (take_own(f) < 0) {
		fetch_land(f, NULL, false, false, &failed);
		return;
	}
	if (validated)
		entry = harvest_renew(f->r, &f->fields, f->delay_ms, &f->keep, &f->notes);
	else
		entry = harvest_make(f->r, f->flow->origin,
		        &(struct harvest){
		                .status = f->status, .reason = f->reason, .fields = &f->fields, .body = &f->body},
		        &f->keep, &f->notes);
	if (!entry) {
		fetch_land(f, NULL, false, false, &failed);
		return;
	}
	if (f->keep.keep)
		stored = keep_entry(f, entry);
	else if (f->status < 500)
		cache_drop(f->flow->cache, &f->r->key);
	if (stored)
		flights_unite(f->flow->flights, &f->r->key);
	fetch_land(f, entry, stored, validated, result);
}

/* True unless both say it, and not the same. */
static bool agree(const struct fields *a, const struct fields *b, const char *name)
{
	const char *one = fields_get(a, name), *other = fields_get(b, name);

	return !one || !other || strcmp(one, other) == 0;
}

void fetch_update_by_head(struct fetch *f)
{
	CLEANUP(entry_unrefp) struct entry *entry = NULL, *renewed = NULL;
	struct request *r = f->r;

	if (r->resource || f->status != 200)
		return;
	entry = cache_peek(f->flow->cache, &r->key);
	if (!entry || entry->status != 200)
		return;
	if (!agree(&entry->fields, &f->fields, "ETag") || !agree(&entry->fields, &f->fields, "Last-Modified") ||
	        (f->length > 0 && (uint64_t)f->length != entry->body->size)) {
		cache_drop(f->flow->cache, &r->key);
		return;
	}
	entry_unref(r->stale);
	r->stale = entry_ref(entry);
	renewed = harvest_renew(r, &f->fields, f->delay_ms, &f->keep, &f->notes);
	if (renewed && f->keep.keep)
		keep_entry(f, renewed);
}
