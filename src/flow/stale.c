#include "flow/stale.h"

#include "flow/flow.h"
#include "flow/inner.h"

#define SECOND_MS 1000

static int64_t largest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void stale_spans(struct stale_spans *ret, const struct conf *conf, const struct resource *resource,
        const struct fields *fields, bool must_revalidate)
{
	struct directives directives;

	*ret = (struct stale_spans){0};
	if (must_revalidate)
		return;
	ret->refreshing_ms = conf->cache.stale_while_revalidate_ms;
	ret->error_ms = conf->cache.stale_if_error_ms;
	if (resource)
		return;
	directives_of_answer(&directives, fields, true);
	if (directives.stale_while_revalidate != SECONDS_NONE)
		ret->refreshing_ms = directives.stale_while_revalidate * SECOND_MS;
	if (directives.stale_if_error != SECONDS_NONE)
		ret->error_ms = directives.stale_if_error * SECOND_MS;
}

/* RFC 9111 5.2.1: no-cache wants it validated, max-age and min-fresh young. max-stale was looked at before. */
static bool is_forbidden(const struct request *r, const struct entry *entry, int64_t now_ms)
{
	const struct directives *asked = &r->directives;

	if (asked->no_cache || asked->no_store || asked->min_fresh > 0)
		return true;
	return asked->max_age != SECONDS_NONE && now_ms - entry->born_ms + entry->age_ms >= asked->max_age * SECOND_MS;
}

bool stale_may_serve(const struct request *r, const struct entry *entry, const struct generations *generations,
        enum stale_reason reason, int64_t now_ms)
{
	int64_t past_ms = now_ms - entry->fresh_until_ms;
	struct stale_spans spans;

	if (r->refresh != REFRESH_NOT || is_forbidden(r, entry, now_ms) ||
	        !generations_current(generations, &entry->tags))
		return false;
	stale_spans(&spans, r->conf, r->resource, &entry->fields, entry->flags & ENTRY_MUST_REVALIDATE);
	if (reason == STALE_REFRESHING)
		return past_ms < spans.refreshing_ms;
	if (!(entry->flags & ENTRY_MUST_REVALIDATE) && r->directives.stale_if_error != SECONDS_NONE)
		spans.error_ms = largest(spans.error_ms, r->directives.stale_if_error * SECOND_MS);
	return past_ms < spans.error_ms;
}

void stale_answer(struct request *r, enum stale_reason reason, int64_t now_ms)
{
	static const char *const details[] = {
	        [STALE_REFRESHING] = "refreshing",
	        [STALE_ERROR] = "stale-if-error",
	        [STALE_SLOW] = "slow",
	        [STALE_WAITING] = "slow",
	        [STALE_BREAKER] = "unreachable",
	};

	bool forwarded = reason == STALE_ERROR || reason == STALE_SLOW;

	answer_release(&r->answer);
	request_answer_entry(r, r->stale);
	r->answer.usable_until_ms = 0;
	r->answer.cache = (struct cache_status){
	        .hit = !forwarded,
	        .stale = true,
	        .forward = forwarded ? FORWARD_STALE : FORWARD_NOT,
	        .ttl_ms = r->stale->fresh_until_ms - now_ms,
	        .detail = details[reason],
	};
}

static void refreshed(void *arg, const struct inner_answer *answer)
{
}

/* The fields that select and identify, without those that are about this one client's copy and patience. */
static int take_fields(struct fields *ret, const struct request *r)
{
	static const char *const own[] = {"Cache-Control", "Pragma", "If-None-Match", "If-Modified-Since", "If-Match",
	        "If-Unmodified-Since", "If-Range", "Range", "Prefer"};

	if (fields_copy(ret, &r->fields) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		fields_remove(ret, own[i]);
	return 0;
}

void stale_refresh(struct request *r, bool slow)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct inner_question question = {
	        .flow = r->flow,
	        .conf = r->conf,
	        .target = r->raw_target,
	        .fields = &fields,
	        .authority = r->authority,
	        .secure = r->secure,
	        .rank = JOB_BACKGROUND,
	        .limit = r->conf->cache.object_limit,
	        .refresh = slow ? REFRESH_SLOW : REFRESH_STALE,
	        .session = r->session,
	        .told = refreshed,
	};

	if (flights_under_way(r->flow->flights, &r->key, &slow) || take_fields(&fields, r) < 0)
		return; /* without memory there is none: the next one who asks tries again */
	inner_unref(inner_start(&question));
}

bool stale_serve_at_once(struct request *r, int64_t now_ms)
{
	const struct generations *generations = cache_generations(r->flow->cache);
	bool slow;

	/* What comes now cannot be stored: every reader would have it fetched for nothing. */
	if (flights_parted(r->flow->flights, &r->key))
		return false;
	if (stale_may_serve(r, r->stale, generations, STALE_REFRESHING, now_ms)) {
		stale_refresh(r, false);
		stale_answer(r, STALE_REFRESHING, now_ms);
		return true;
	}
	if (!flights_under_way(r->flow->flights, &r->key, &slow) || !slow ||
	        !stale_may_serve(r, r->stale, generations, STALE_WAITING, now_ms))
		return false;
	stale_answer(r, STALE_WAITING, now_ms);
	return true;
}
