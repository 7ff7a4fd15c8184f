#include "flow/credentials.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/inner.h"
#include "flow/named_session.h"
#include "redmine/who.h"

#define BUCKETS       512
#define PLACES        8 /* in a bucket; the longest unasked-about gives way */
#define ANSWER_LIMIT  (256 * 1024)
#define TARGET_LIMIT  (16 * 1024)
#define RETRY_MS      5000 /* after Redmine did not say */
#define CLOSE_LOOK_MS 1000 /* answers that stand although nothing is known are looked at that often */

struct credential {
	uint8_t digest[DIGEST_SIZE]; /* of its identity */
	bool used, asking;
	struct who who;     /* status 0: nothing is known yet */
	int64_t checked_ms; /* when Redmine said so, wall clock; 0: never */
	int64_t tried_ms;   /* when it was asked last and did not say */
	struct request *waiters;
};

struct credentials {
	pthread_mutex_t lock;
	struct credential places[BUCKETS][PLACES];
	atomic_ullong checks, changed, unknown;
};

struct credentials *credentials_new(void)
{
	struct credentials *credentials = calloc(1, sizeof(*credentials));

	if (credentials)
		pthread_mutex_init(&credentials->lock, NULL);
	return credentials;
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	pthread_mutex_destroy(&credentials->lock);
	free(credentials);
}

/* Its place, or with make a new one; NULL: there is none, or all of the bucket are being asked about. Locked. */
static struct credential *find(struct credentials *credentials, const struct identity *identity, bool make)
{
	struct credential *bucket = credentials->places[identity_tag(identity) % BUCKETS], *free = NULL;

	for (size_t i = 0; i < PLACES; i++) {
		struct credential *place = &bucket[i];

		if (place->used && memcmp(place->digest, identity->digest, DIGEST_SIZE) == 0)
			return place;
		if (!place->asking && (!free || !place->used || (free->used && place->checked_ms < free->checked_ms)))
			free = place;
	}
	if (!make || !free)
		return NULL;
	*free = (struct credential){.used = true};
	memcpy(free->digest, identity->digest, DIGEST_SIZE);
	return free;
}

/* One question to Redmine on its way. */
struct check {
	struct flow *flow;
	struct identity identity;
	const struct conf_session *session; /* of the settings that the question is asked with */
	struct buf target;
	struct fields fields;
};

static void check_free(struct check *check)
{
	buf_release(&check->target);
	fields_release(&check->fields);
	free(check);
}

/* Everything that was stored for the identity is worth nothing any more. */
static void drop(struct flow *flow, const struct identity *identity)
{
	uint64_t tag = identity_tag(identity);

	cache_write_begin(flow->cache, &tag, 1, NULL, NULL);
	cache_write_end(flow->cache, &tag, 1, true);
}

/* Notes what Redmine said. True: the stored answers must go, for it is not what they were made with. */
static bool settle(struct credential *place, const struct who *who, int64_t now_ms)
{
	bool first = place->who.status == 0;
	bool changed = first ? who->status != 200 : !who_equal(&place->who, who);

	if (who->status == 0) {
		place->tried_ms = now_ms;
		return false;
	}
	place->who = *who;
	place->checked_ms = now_ms;
	place->tried_ms = 0;
	return changed;
}

static void tell(struct request *waiters)
{
	while (waiters) {
		struct request *next = waiters->next_waiter;

		waiters->vouched = true;
		flow_resume(waiters, STEP_LOOKUP);
		request_unref(waiters);
		waiters = next;
	}
}

/* Stays in the place that says it is being asked about, until it is told. */
static void conclude(struct check *check, const struct who *who)
{
	struct credentials *credentials = check->flow->credentials;
	struct request *waiters;
	struct credential *place;
	bool changed;

	pthread_mutex_lock(&credentials->lock);
	place = find(credentials, &check->identity, false);
	changed = settle(place, who, clock_wall_ms());
	pthread_mutex_unlock(&credentials->lock);
	if (changed)
		drop(check->flow, &check->identity);
	atomic_fetch_add(&credentials->changed, changed);
	atomic_fetch_add(&credentials->unknown, who->status == 0);
	if (changed)
		log_info(
		        "identity %02x%02x%02x: Redmine answers %u to its credential now; what was stored for it is dropped",
		        check->identity.digest[0], check->identity.digest[1], check->identity.digest[2], who->status);
	pthread_mutex_lock(&credentials->lock);
	place->asking = false;
	waiters = place->waiters;
	place->waiters = NULL;
	pthread_mutex_unlock(&credentials->lock);
	tell(waiters);
	check_free(check);
}

static void told(void *arg, const struct inner_answer *answer)
{
	struct who who = {0};

	if (answer->error == 0 && !answer->own)
		who_read(&who, answer->status, answer->body->data, answer->body->size);
	conclude(arg, &who);
}

/* True when the question is asked with r's credentials: false when the query hides them in a form of its own. */
static bool asks_for(const struct check *check, const struct request *r)
{
	CLEANUP(query_parts_release)
	struct query_parts parts = {.normal = BUF_INIT(1), .credentials = BUF_INIT(1)};
	struct identity identity;
	struct target target;

	if (target_parse(&target, buf_text(&check->target)) < 0 ||
	        query_parse(&parts, target.query, target.query_size, false) < 0)
		return false;
	identity_of(&identity, &check->fields, &parts, r->flow->secret);
	named_session_narrow(r, &identity);
	return memcmp(identity.digest, r->identity.digest, DIGEST_SIZE) == 0;
}

/* NULL: it cannot be asked. */
static struct check *check_new(const struct request *r)
{
	struct check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;
	*check = (struct check){
	        .flow = r->flow, .identity = r->identity, .session = r->session, .target = BUF_INIT(TARGET_LIMIT)};
	if (who_question(&check->target, &check->fields, &r->target, &r->fields) == 0 && asks_for(check, r))
		return check;
	check_free(check);
	return NULL;
}

static void check_start(struct check *check, struct conf *conf, enum job_rank rank)
{
	struct inner_question question = {
	        .flow = check->flow,
	        .conf = conf,
	        .target = buf_text(&check->target),
	        .fields = &check->fields,
	        .session = check->session,
	        .rank = rank,
	        .limit = ANSWER_LIMIT,
	        .told = told,
	        .arg = check,
	};

	atomic_fetch_add(&check->flow->credentials->checks, 1);
	inner_unref(inner_start(&question));
}

bool credentials_await(struct request *r)
{
	struct credentials *credentials = r->flow->credentials;
	struct check *check = check_new(r);
	struct credential *place;
	bool first;

	if (!check)
		return false;
	pthread_mutex_lock(&credentials->lock);
	place = find(credentials, &r->identity, true);
	first = place && !place->asking;
	if (place) {
		place->asking = true;
		r->next_waiter = place->waiters;
		place->waiters = request_ref(r);
	}
	pthread_mutex_unlock(&credentials->lock);
	if (first)
		check_start(check, r->conf, JOB_INTERACTIVE);
	else
		check_free(check);
	return place != NULL;
}

/* Asks while nobody waits for it. */
static void ask_aside(struct request *r)
{
	struct credentials *credentials = r->flow->credentials;
	struct check *check = check_new(r);
	struct credential *place;
	bool first;

	if (!check)
		return;
	pthread_mutex_lock(&credentials->lock);
	place = find(credentials, &r->identity, true);
	first = place && !place->asking;
	if (first)
		place->asking = true;
	pthread_mutex_unlock(&credentials->lock);
	if (first)
		check_start(check, r->conf, JOB_BACKGROUND);
	else
		check_free(check);
}

/* Under the origin policy the table rules nothing, but it still says what is Redmine's. */
static bool is_redmines(const struct request *r)
{
	return r->resource ||
	       (r->conf->cache.policy == CACHE_POLICY_ORIGIN && resource_match(&r->target, r->query.api_format));
}

static bool applies(const struct request *r)
{
	return !r->identity.anonymous && r->conf->cache.credential_check_ms > 0 && is_redmines(r);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

enum credentials_verdict credentials_judge(
        struct request *r, const struct entry *entry, int64_t now_ms, int64_t *until_ms)
{
	int64_t term_ms = r->conf->cache.credential_check_ms, since_ms = entry->born_ms;
	struct credentials *credentials = r->flow->credentials;
	struct credential known = {0}, *place;

	if (!applies(r))
		return CREDENTIALS_STAND;
	pthread_mutex_lock(&credentials->lock);
	place = find(credentials, &r->identity, false);
	if (place)
		known = *place;
	pthread_mutex_unlock(&credentials->lock);
	if (known.checked_ms > since_ms && known.checked_ms <= now_ms)
		since_ms = known.checked_ms;
	if (now_ms - since_ms < term_ms) {
		*until_ms = earlier(*until_ms, since_ms + term_ms);
		if (now_ms - since_ms < term_ms / 2 || entry->fresh_until_ms <= since_ms + term_ms)
			return CREDENTIALS_STAND;
		ask_aside(r);
		*until_ms = earlier(*until_ms, now_ms + CLOSE_LOOK_MS);
		return CREDENTIALS_STAND;
	}
	if (!r->vouched && (known.tried_ms == 0 || now_ms - known.tried_ms >= RETRY_MS || now_ms < known.tried_ms))
		return CREDENTIALS_ASK;
	*until_ms = earlier(*until_ms, now_ms + CLOSE_LOOK_MS);
	return CREDENTIALS_STAND;
}

void credentials_doubt(struct request *r)
{
	struct credentials *credentials = r->flow->credentials;
	struct credential *place;
	bool known;

	if (!applies(r))
		return;
	pthread_mutex_lock(&credentials->lock);
	place = find(credentials, &r->identity, false);
	known = place && (place->asking || place->who.status == 401);
	pthread_mutex_unlock(&credentials->lock);
	if (!known)
		ask_aside(r);
}

void credentials_get_figures(struct credentials *credentials, struct credentials_figures *ret)
{
	*ret = (struct credentials_figures){
	        .checks = atomic_load(&credentials->checks),
	        .changed = atomic_load(&credentials->changed),
	        .unknown = atomic_load(&credentials->unknown),
	};
}
