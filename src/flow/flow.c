#include "flow/flow.h"

#include "base/clock.h"
#include "flow/changes.h"
#include "flow/credentials.h"
#include "flow/fetch.h"
#include "flow/figures.h"
#include "flow/forward.h"
#include "flow/invalidation.h"
#include "flow/named_session.h"
#include "flow/policy.h"
#include "flow/stale.h"
#include "flow/variant.h"
#include "flow/lookout.h"
#include "flow/write.h"
#include "redmine/request_fields.h"
#include "redmine/request_key.h"

#include <errno.h>

/* Which engine asks Redmine; never forwarded, as nothing that begins so. */
#define ENGINE_FIELD "Redmine-Cached-Engine"

/*
 *  classify ──▶ lookup ──fresh─────────────────────────▶ deliver
 *   │   │         │ not in memory            ▲              ▲
 *   │   │         ├────▶ (store) ▶ found ────┤              │
 *   │   │         └────▶ join ──leads──▶ ask ┴─(Redmine)────┤
 *   │   │                 └──waits──(another's flight)──────┤
 *   │   ├────▶ pass ──────────(Redmine)─────────────────────┤
 *   │   └────▶ errand ─────────(is done later)──────────────┤
 *   └────────▶ write ─────────(Redmine, store)──────────────┘
 */
enum flow_next {
	FLOW_GO_ON,  /* r->next_step says where */
	FLOW_PARKED, /* somebody else goes on with it */
	FLOW_OVER,   /* the answer is there */
};

static enum flow_next go_to(struct request *r, enum flow_step step)
{
	r->next_step = step;
	return FLOW_GO_ON;
}

/* Before the request is handed to another thread. */
static void park(struct request *r)
{
	if (r->parked)
		return;
	r->parked = true;
	r->front->park(r);
}

static enum flow_next refuse(struct request *r, unsigned status, const char *text)
{
	request_answer_error(r, status, 0, "%s", text);
	return go_to(r, STEP_DELIVER);
}

/* The target below the sub-URI, however the client addressed it. */
static int read_target(struct request *r)
{
	const char *prefix = r->flow->origin->path;
	size_t size = strlen(prefix);
	const char *below = r->raw_target;

	if (size > 0 && strncmp(below, prefix, size) == 0 &&
	        (below[size] == '/' || !below[size] || below[size] == '?')) {
		r->sub_path = true;
		if (below[size] == '/')
			below += size;
	}
	return target_parse(&r->target, below);
}

/* Under the origin policy nothing but RFC 9111 decides. */
static bool by_origin(const struct request *r)
{
	return r->conf->cache.policy == CACHE_POLICY_ORIGIN;
}

/* What the cache has no part in: a cookie may be anybody's, and preconditions on paths that it does not know are Redmine's to judge. */
static bool is_bypassed(const struct request *r)
{
	if (r->identity.cookie && !by_origin(r))
		return true;
	return !r->resource && (fields_get(&r->fields, "If-Match") || fields_get(&r->fields, "If-Unmodified-Since"));
}

static enum collector_says ask_collector(struct request *r)
{
	const struct flow_collector *collector = r->flow->collector;

	if (!collector || (r->target.format != TARGET_FORMAT_JSON && r->target.format != TARGET_FORMAT_XML))
		return COLLECTOR_PASSES;
	return collector->classify(collector->arg, r);
}

/*
 * What an answer depends on beside the URI and who asks its Vary says under the origin policy. Its answers carry other
 * tags, which no write under the other policy raises: so neither finds what the other has stored.
 */
static void make_key(struct request *r)
{
	static const struct fields none;
	struct digest d;

	request_key(r->primary.bytes, r->flow->origin->base, &r->target, &r->query, &r->identity,
	        by_origin(r) ? &none : &r->fields, r->flow->secret);
	if (by_origin(r)) {
		digest_start(&d, r->flow->secret);
		digest_add_text(&d, "by origin");
		digest_add(&d, r->primary.bytes, sizeof(r->primary.bytes));
		digest_end(&d, r->primary.bytes);
	}
	r->key = r->primary;
}

static enum flow_next classify_read(struct request *r)
{
	bool get = strcmp(r->method, "GET") == 0 || request_is_head(r);

	if (r->has_body && get)
		return refuse(
		        r, 400, "A GET or HEAD request must not have a body: Redmine would read parameters from it.");
	if (!get || is_bypassed(r)) {
		r->why = get ? FORWARD_BYPASS : FORWARD_METHOD;
		return go_to(r, STEP_PASS);
	}
	make_key(r);
	return go_to(r, ask_collector(r) == COLLECTOR_REFUSES ? STEP_DELIVER : STEP_LOOKUP);
}

/* The engine that the request names. False: it names none that runs, which is answered. */
static bool choose_engine(struct request *r)
{
	const char *name = fields_get(&r->fields, ENGINE_FIELD);
	char running[256];

	if (!name)
		return true;
	r->engine = engines_find(r->flow->engines, name);
	if (r->engine && request_field_count(&r->fields, ENGINE_FIELD) == 1)
		return true;
	engines_list(r->flow->engines, running, sizeof(running));
	request_answer_error(r, 400, 0, ENGINE_FIELD " must name one of the engines that run: %s.", running);
	return false;
}

/* False: it is refused. */
static bool identify(struct request *r)
{
	bool ordered;
	int parsed;

	if (read_target(r) < 0) {
		refuse(r, 400, "The request target must be a path that begins with a slash.");
		return false;
	}
	ordered = r->target.format != TARGET_FORMAT_JSON && r->target.format != TARGET_FORMAT_XML;
	parsed = query_parse(&r->query, r->target.query, r->target.query ? r->target.query_size : 0, ordered);
	if (parsed == -ENOBUFS) {
		refuse(r, 414, "The query is too long.");
		return false;
	}
	r->base = parsed < 0 ? NULL : forward_base(r, r->flow->origin);
	if (!r->base) {
		refuse(r, 503, "Out of memory.");
		return false;
	}
	if (!named_session_enter(r))
		return false;
	identity_of(&r->identity, &r->fields, &r->query, r->flow->secret);
	named_session_narrow(r, &r->identity);
	return true;
}

bool flow_identify(struct flow *flow, struct request *r)
{
	CHECK(r, REQUEST_MAGIC);
	r->flow = flow;
	return identify(r);
}

static enum flow_next step_classify(struct request *r)
{
	if (!identify(r))
		return go_to(r, STEP_DELIVER);
	directives_read(&r->directives, &r->fields);
	r->resource = policy_resource(r->conf, resource_match(&r->target, r->query.api_format));
	if (!choose_engine(r))
		return go_to(r, STEP_DELIVER);
	if (errand_is_wanted(r))
		return go_to(r, STEP_ERRAND);
	if (method_is_safe(r->method))
		return classify_read(r);
	r->why = FORWARD_METHOD;
	return go_to(r, STEP_WRITE);
}

/* Freshness decides what becomes of what was found; takes over the reference. */
static enum flow_next consider(struct request *r, struct entry *entry)
{
	int64_t now_ms = clock_wall_ms(), until_ms = INT64_MAX;
	enum policy_verdict verdict;

	if (entry->flags & ENTRY_VARIES) {
		variant_key(&r->key, &r->primary, &entry->fields, &r->fields, r->flow->secret);
		entry_unref(entry);
		return go_to(r, STEP_LOOKUP);
	}
	verdict = policy_judge(entry, &r->directives, now_ms, &r->answer.usable_until_ms);
	if (r->directives.no_store)
		verdict = POLICY_REFUSED;
	if (verdict == POLICY_FRESH &&
	        credentials_judge(r, entry, now_ms, &r->answer.usable_until_ms) == CREDENTIALS_ASK) {
		r->stale = entry;
		return go_to(r, STEP_VOUCH);
	}
	if (verdict == POLICY_FRESH) {
		lookout_note_hit(r->flow->lookout, r, entry->fresh_until_ms);
		request_answer_entry(r, entry);
		r->answer.cache.hit = true;
		r->answer.cache.ttl_ms = entry->fresh_until_ms - now_ms;
		entry_unref(entry);
		return go_to(r, STEP_DELIVER);
	}
	r->why = verdict == POLICY_STALE ? FORWARD_STALE : FORWARD_REQUEST;
	r->stale = entry;
	if (verdict == POLICY_STALE && credentials_judge(r, entry, now_ms, &until_ms) == CREDENTIALS_STAND &&
	        stale_serve_at_once(r, now_ms))
		return go_to(r, STEP_DELIVER);
	return go_to(r, STEP_JOIN);
}

static void found(void *arg, struct entry *entry)
{
	struct request *r = arg;

	r->stale = entry; /* step_found looks at it */
	flow_resume(r, STEP_FOUND);
	request_unref(r);
}

static enum flow_next step_lookup(struct request *r)
{
	struct entry *entry = cache_peek(r->flow->cache, &r->key);

	entry_unref(TAKE(r->stale)); /* of an earlier look-up, when a flight landed meanwhile */
	r->why = FORWARD_URI_MISS;
	if (entry)
		return consider(r, entry);
	if (!cache_may_hold(r->flow->cache, &r->key))
		return go_to(r, STEP_JOIN);
	park(r);
	request_ref(r);
	cache_fetch(r->flow->cache, &r->key, found, r);
	return FLOW_PARKED;
}

static enum flow_next step_found(struct request *r)
{
	return r->stale ? consider(r, TAKE(r->stale)) : go_to(r, STEP_JOIN);
}

/* What was found is the caller's if his credential is still what it was. */
static enum flow_next step_vouch(struct request *r)
{
	park(r);
	if (credentials_await(r))
		return FLOW_PARKED;
	r->why = FORWARD_STALE;
	return go_to(r, STEP_JOIN);
}

/* Between the look-up and becoming the leader another flight may have landed. */
static bool landed_meanwhile(struct request *r, struct flight *flight)
{
	int64_t now_ms = clock_wall_ms();
	CLEANUP(entry_unrefp) struct entry *entry = NULL;
	struct request *waiter;
	int64_t until_ms;

	if (r->why == FORWARD_REQUEST)
		return false;
	entry = cache_peek(r->flow->cache, &r->key);
	if (!entry || entry == r->stale || policy_judge(entry, &r->directives, now_ms, &until_ms) != POLICY_FRESH)
		return false;
	waiter = flight_land(r->flow->flights, flight);
	while (waiter) {
		struct request *next = waiter->next_waiter;

		flow_resume(waiter, STEP_LOOKUP);
		request_unref(waiter);
		waiter = next;
	}
	return true;
}

/*
 * Under the origin policy a write makes URIs invalid, and nothing else. Under either what is kept for a credential, and
 * served to that one only, goes with it.
 */
static void read_tags(struct tags *ret, const struct request *r)
{
	if (by_origin(r))
		*ret = (struct tags){.count = 1, .items = {invalidation_tag(r)}};
	else
		tags_of_read(ret, r->resource, &r->target, &r->query);
	if (!r->identity.anonymous)
		ret->items[ret->count++] = identity_tag(&r->identity);
}

void flow_note_read(const struct request *r, struct tag_notes *ret)
{
	struct tags tags;

	read_tags(&tags, r);
	generations_note(cache_generations(r->flow->cache), tags.items, tags.count, ret);
}

static enum flow_next step_join(struct request *r)
{
	struct flow *flow = r->flow; /* r may be handed back, and gone, as soon as it waits */
	bool urgent = r->rank == JOB_INTERACTIVE;
	struct flight *flight;
	struct tags tags;

	if (r->directives.only_if_cached)
		return refuse(r, 504, "Nothing fit to serve is stored, and the request says only-if-cached.");
	if (r->joins) {
		park(r);
		r->flow->collector->join(r->flow->collector->arg, r);
		return FLOW_PARKED;
	}
	/* HEAD is answered from a GET, but for bodies that the proxy has no reason to fetch. */
	if (request_is_head(r) && (r->target.format == TARGET_FORMAT_NONE || by_origin(r)))
		return go_to(r, STEP_PASS);
	/* A part is not stored: the whole would be fetched for it, which may be much more. */
	if (!r->resource && fields_get(&r->fields, "Range"))
		return go_to(r, STEP_PASS);
	if (r->directives.no_store || flights_parted(r->flow->flights, &r->key))
		return go_to(r, STEP_PASS);
	park(r);
	lookout_note_read(r->flow->lookout, r);
	read_tags(&tags, r);
	switch (flight_join(r->flow->flights, r, &tags, &flight)) {
	case FLIGHT_WAIT:
		if (urgent)
			engines_nudge(flow->engines);
		return FLOW_PARKED;
	case FLIGHT_ALONE:
		return go_to(r, STEP_PASS);
	case FLIGHT_LEAD:
		if (!landed_meanwhile(r, flight))
			fetch_for_flight(r, flight);
		return FLOW_PARKED;
	}
	WRONG("flight_join answered outside its enum");
}

static enum flow_next step_pass(struct request *r)
{
	park(r);
	fetch_for_request(r, false);
	return FLOW_PARKED;
}

static enum flow_next step_write(struct request *r)
{
	park(r);
	if (errand_hold(r))
		return FLOW_PARKED;
	write_begin(r);
	fetch_for_request(r, true);
	return FLOW_PARKED;
}

static enum flow_next step_errand(struct request *r)
{
	errand_accept(r);
	return go_to(r, STEP_DELIVER);
}

/* What was honoured of the request's preferences; an answer without room for the field goes without it. */
static void add_preferences(struct request *r)
{
	CLEANUP(buf_release) struct buf applied = BUF_INIT(256);

	if (preferences_applied(&r->preferences, r->answer.status, &applied) < 0 || applied.size == 0 ||
	        fields_set(&r->answer.fields, "Preference-Applied", applied.data) < 0)
		return;
	if (preferences_cut_body(&r->preferences, r->answer.status) &&
	        fields_add(&r->answer.fields, "Vary", "Prefer") == 0)
		request_cut_body(r);
}

static enum flow_next step_deliver(struct request *r)
{
	flow_figures_count(r);
	add_preferences(r);
	errand_let_go(r);
	if (r->walk)
		r->flow->collector->over(r->flow->collector->arg, r);
	if (r->parked)
		r->front->ready(r);
	return FLOW_OVER;
}

static enum flow_next (*const steps[])(struct request *r) = {
        [STEP_CLASSIFY] = step_classify,
        [STEP_LOOKUP] = step_lookup,
        [STEP_FOUND] = step_found,
        [STEP_VOUCH] = step_vouch,
        [STEP_JOIN] = step_join,
        [STEP_PASS] = step_pass,
        [STEP_WRITE] = step_write,
        [STEP_ERRAND] = step_errand,
        [STEP_DELIVER] = step_deliver,
};

static enum flow_next run(struct request *r)
{
	enum flow_next next;

	do {
		CHECK(r, REQUEST_MAGIC);
		next = steps[r->next_step](r);
	} while (next == FLOW_GO_ON);
	return next;
}

bool flow_start(struct flow *flow, struct request *r)
{
	bool over;

	CHECK(r, REQUEST_MAGIC);
	r->flow = flow;
	r->next_step = STEP_CLASSIFY;
	over = run(r) == FLOW_OVER && !r->parked;
	if (flow->collector)
		flow->collector->saw(flow->collector->arg, r);
	return over;
}

void flow_resume(struct request *r, enum flow_step step)
{
	CHECK(r, REQUEST_MAGIC);
	r->next_step = step;
	run(r);
}

int flow_init(struct flow *flow, struct cache *cache, struct engines *engines, const struct origin *origin,
        const struct digest_secret *secret)
{
	*flow = (struct flow){.cache = cache, .engines = engines, .origin = origin, .secret = secret};
	pthread_mutex_init(&flow->inners.lock, NULL);
	pthread_cond_init(&flow->inners.none, NULL);
	breaker_init(&flow->breaker);
	flow->flights = flights_new(cache_generations(cache));
	flow->credentials = credentials_new();
	flow->errands = errands_new();
	flow->changes = changes_new(cache);
	return flow->flights && flow->credentials && flow->errands && flow->changes ? 0 : -ENOMEM;
}

void flow_release(struct flow *flow)
{
	flights_free(flow->flights);
	flow->flights = NULL;
	credentials_free(flow->credentials);
	flow->credentials = NULL;
	errands_free(flow->errands);
	flow->errands = NULL;
	changes_free(flow->changes);
	flow->changes = NULL;
	breaker_release(&flow->breaker);
	pthread_mutex_destroy(&flow->inners.lock);
	pthread_cond_destroy(&flow->inners.none);
}
