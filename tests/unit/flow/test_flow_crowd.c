/*
 * Many clients at once through a real engine to an origin whose state has a
 * version. Each read notes the newest version that any answered write had
 * reached before it was sent, and must see at least that.
 */
#include "kit.h"

#include "../support/origin.h"
#include "../support/usage.h"

#include <sched.h>

#define THREADS       6
#define ROUNDS        400
#define WRITERS       2
#define THINGS        3
#define HERD          500
#define LARGE_MINIMUM (70 * 1024) /* more than is collected: it streams */

struct crowd {
	struct conf *conf;
	struct origin origin;
	struct digest_secret secret;
	struct cache *cache;
	struct http_origin *http;
	struct engines *engines;
	struct flow flow;

	_Atomic unsigned version[THINGS];  /* the origin's state */
	_Atomic unsigned answered[THINGS]; /* the newest version of which a write's answer told */
	atomic_uint hits;
	struct gate came, go;
};

static unsigned thing_of(const struct http_visit *v)
{
	return (unsigned)atoi(v->seen->target + strlen("/issues/"));
}

/* The version at the moment of the read; what Redmine does between that and its answer takes a while. */
static void act_read(struct http_visit *v)
{
	struct crowd *crowd = v->arg;
	unsigned version = atomic_load(&crowd->version[thing_of(v)]);
	char body[32];

	snprintf(body, sizeof(body), "%u", version);
	for (int i = 0; i < 3; i++)
		sched_yield();
	http_printf(v,
	        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"%u\"\r\nContent-Length: %zu\r\n\r\n%s",
	        version, strlen(body), body);
}

static void act_write(struct http_visit *v)
{
	struct crowd *crowd = v->arg;
	unsigned version;

	http_read_body(v);
	version = atomic_fetch_add(&crowd->version[thing_of(v)], 1) + 1;
	http_printf(v, "HTTP/1.1 200 OK\r\nX-Version: %u\r\nContent-Length: 0\r\n\r\n", version);
}

static void act_large(struct http_visit *v)
{
	static const char block[1024];

	http_printf(v, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE_MINIMUM);
	for (size_t sent = 0; sent < LARGE_MINIMUM; sent += sizeof(block))
		http_send(v, block, sizeof(block));
}

static void act_herd(struct http_visit *v)
{
	struct crowd *crowd = v->arg;

	gate_open(&crowd->came);
	gate_wait(&crowd->go);
	http_answer(v, "200 OK\r\nContent-Type: application/json", "{}");
}

static const struct http_route routes[] = {
        {"GET", "/issues/0.json", act_read},
        {"GET", "/issues/1.json", act_read},
        {"GET", "/issues/2.json", act_read},
        {"PUT", NULL, act_write},
        {"GET", "/large", act_large},
        {"GET", "/issues.json", act_herd},
};

static void make(struct crowd *crowd)
{
	static const char *const settings[] = {"lifetime.issue=1h", NULL};
	struct cache_settings cache = {.store_settings = {.path = ""}, .memory_limit = 1 << 20};
	struct engine_settings engine = {
	        .session = {.origin = &crowd->origin, .verify = true, .connections = 4}, .workers = 4, .queue = 10000};
	struct fail fail = {0};

	*crowd = (struct crowd){.came = GATE_INIT, .go = GATE_INIT};
	crowd->conf = kit_conf(settings);
	crowd->http = http_origin_new(routes, ARRAY_SIZE(routes), crowd);
	http_origin_record(crowd->http, false);
	ck_assert_int_eq(origin_init(&crowd->origin, http_origin_url(crowd->http), &fail), 0);
	digest_secret_random(&crowd->secret);
	ck_assert_int_eq(cache_new(&cache, &crowd->cache, &fail), 0);
	crowd->engines = engines_new(0);
	ck_assert_int_eq(engines_add(crowd->engines, engine_new("thread", &engine, &fail), true), 0);
	http_origin_start(crowd->http);
	ck_assert_int_eq(engines_start(crowd->engines, &fail), 0);
	ck_assert_int_eq(flow_init(&crowd->flow, crowd->cache, crowd->engines, &crowd->origin, &crowd->secret), 0);
}

static void clear(struct crowd *crowd)
{
	engines_stop(crowd->engines, true);
	flow_release(&crowd->flow);
	engines_free(crowd->engines);
	cache_free(crowd->cache, 1000);
	http_origin_stop(crowd->http);
	origin_release(&crowd->origin);
	conf_unref(crowd->conf);
}

/* A client that sleeps until its answer, or more of it, is there. */
struct sleeper {
	struct gate ready, more;
	bool parked;
};

static void on_park(struct request *r)
{
	((struct sleeper *)r->visit)->parked = true;
}

static void on_ready(struct request *r)
{
	gate_open(&((struct sleeper *)r->visit)->ready);
}

static void on_more(void *arg)
{
	gate_open(&((struct sleeper *)arg)->more);
}

static const struct request_front front = {.park = on_park, .ready = on_ready};

static struct request *start(
        struct crowd *crowd, struct sleeper *sleeper, const char *method, const char *target, const char *fields)
{
	struct request *r = request_new(&front, sleeper, crowd->conf, method, target);

	*sleeper = (struct sleeper){.ready = GATE_INIT, .more = GATE_INIT};
	ck_assert_int_eq(fields_parse(&r->fields, fields, strlen(fields)), 0);
	r->authority = strdup(KIT_AUTHORITY);
	if (flow_start(&crowd->flow, r))
		ck_assert(!sleeper->parked);
	return r;
}

static void finish(struct sleeper *sleeper)
{
	if (sleeper->parked)
		gate_wait(&sleeper->ready);
}

static struct request *ask(
        struct crowd *crowd, struct sleeper *sleeper, const char *method, const char *target, const char *fields)
{
	struct request *r = start(crowd, sleeper, method, target, fields);

	finish(sleeper);
	return r;
}

static void read_one(struct crowd *crowd, unsigned thing, unsigned round)
{
	static const char *const fields[] = {"", "", "", "Cache-Control: no-cache\r\n",
	        "Cache-Control: min-fresh=3590\r\n", "Cache-Control: max-age=0\r\n", "Cache-Control: no-store\r\n",
	        "Cookie: a=1\r\n", "X-Redmine-API-Key: 1\r\n"};
	unsigned least = atomic_load(&crowd->answered[thing]), seen;
	struct sleeper sleeper;
	struct request *r;
	char target[32];
	const struct answer *answer;

	snprintf(target, sizeof(target), "/issues/%u.json", thing);
	r = ask(crowd, &sleeper, "GET", target, fields[round % ARRAY_SIZE(fields)]);
	answer = &r->answer;
	ck_assert_uint_eq(answer->status, 200);
	if (answer->kind == ANSWER_ENTRY) {
		char text[32] = "";

		memcpy(text, answer->entry->body->data, answer->entry->body->size);
		seen = (unsigned)atoi(text);
	} else {
		seen = (unsigned)atoi(buf_text(&answer->body));
	}
	if (answer->cache.hit)
		atomic_fetch_add(&crowd->hits, 1);
	if (seen < least)
		ck_abort_msg("%s: version %u after a write that made %u had been answered", target, seen, least);
	request_unref(r);
}

static void write_one(struct crowd *crowd, unsigned thing)
{
	struct sleeper sleeper;
	char target[32];
	struct request *r;
	unsigned version, before;

	snprintf(target, sizeof(target), "/issues/%u.json", thing);
	r = ask(crowd, &sleeper, "PUT", target, "");
	ck_assert_uint_eq(r->answer.status, 200);
	version = (unsigned)atoi(fields_get(&r->answer.fields, "X-Version"));
	request_unref(r);
	before = atomic_load(&crowd->answered[thing]);
	while (before < version && !atomic_compare_exchange_weak(&crowd->answered[thing], &before, version))
		continue;
}

struct person {
	struct crowd *crowd;
	unsigned number;
	pthread_t thread;
};

static void *live(void *arg)
{
	struct person *person = arg;

	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned thing = (round + person->number) % THINGS;

		if (person->number < WRITERS && round % 20 == 0)
			write_one(person->crowd, thing);
		else
			read_one(person->crowd, thing, round);
	}
	return NULL;
}

START_TEST(everybody_reads_what_was_written)
{
	struct crowd *crowd = malloc(sizeof(*crowd));
	struct person people[THREADS];

	make(crowd);
	for (unsigned i = 0; i < THREADS; i++) {
		people[i] = (struct person){.crowd = crowd, .number = i};
		ck_assert_int_eq(pthread_create(&people[i].thread, NULL, live, &people[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(people[i].thread, NULL);
	ck_assert_uint_gt(atomic_load(&crowd->hits), THREADS * ROUNDS / 10); /* else nothing was tested */
	ck_assert_uint_eq(crowd->flow.figures.requests, THREADS * ROUNDS);
	clear(crowd);
	free(crowd);
}
END_TEST

/* Started by several threads while the one fetch is under way, and handed back by an engine's. */
struct part_of_herd {
	struct crowd *crowd;
	struct sleeper sleepers[HERD / 4];
	struct request *requests[HERD / 4];
	pthread_t thread;
};

static void *stampede(void *arg)
{
	struct part_of_herd *part = arg;

	for (size_t i = 0; i < ARRAY_SIZE(part->sleepers); i++)
		part->requests[i] = start(part->crowd, &part->sleepers[i], "GET", "/issues.json", "");
	return NULL;
}

START_TEST(herd_makes_one_request)
{
	struct crowd *crowd = malloc(sizeof(*crowd));
	struct part_of_herd *parts = calloc(4, sizeof(*parts));
	unsigned collapsed = 0;

	make(crowd);
	for (size_t i = 0; i < 4; i++) {
		parts[i].crowd = crowd;
		ck_assert_int_eq(pthread_create(&parts[i].thread, NULL, stampede, &parts[i]), 0);
	}
	gate_wait(&crowd->came);
	for (size_t i = 0; i < 4; i++)
		pthread_join(parts[i].thread, NULL);
	gate_open(&crowd->go);
	for (size_t i = 0; i < 4; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(parts[i].sleepers); j++) {
			finish(&parts[i].sleepers[j]);
			ck_assert_uint_eq(parts[i].requests[j]->answer.status, 200);
			collapsed += parts[i].requests[j]->answer.cache.collapsed;
			request_unref(parts[i].requests[j]);
		}
	}
	ck_assert_uint_eq(collapsed, HERD - 1);
	ck_assert_uint_eq(gate_passed(&crowd->came), 1);
	ck_assert_uint_eq(crowd->flow.figures.upstream, 1);
	free(parts);
	clear(crowd);
	free(crowd);
}
END_TEST

static size_t read_all(struct sleeper *sleeper, struct request *r, size_t most)
{
	char room[8192];
	size_t all = 0;
	ssize_t n;

	answer_listen(&r->answer, on_more, sleeper);
	while (all < most) {
		gate_shut(&sleeper->more);
		n = answer_read(&r->answer, room, sizeof(room));
		if (n == PIPE_HOLD) {
			gate_wait(&sleeper->more);
			continue;
		}
		ck_assert_int_ge(n, 0);
		if (n == 0)
			break;
		all += (size_t)n;
	}
	return all;
}

static void *stream(void *arg)
{
	struct person *person = arg;

	for (unsigned round = 0; round < 40; round++) {
		struct sleeper sleeper;
		struct request *r = ask(person->crowd, &sleeper, "GET", "/large", "");
		bool leaves = (round + person->number) % 3 == 0;

		ck_assert_uint_eq(r->answer.status, 200);
		ck_assert_int_eq(r->answer.kind, ANSWER_STREAM);
		if (leaves)
			read_all(&sleeper, r, 1000);
		else
			ck_assert_uint_eq(read_all(&sleeper, r, SIZE_MAX), LARGE_MINIMUM);
		answer_release(&r->answer);
		request_unref(r);
	}
	return NULL;
}

/* Streams that are read to their end and streams that are left, of the same path. */
START_TEST(streams_and_leavers)
{
	struct crowd *crowd = malloc(sizeof(*crowd));
	struct person people[THREADS];

	make(crowd);
	for (unsigned i = 0; i < THREADS; i++) {
		people[i] = (struct person){.crowd = crowd, .number = i};
		ck_assert_int_eq(pthread_create(&people[i].thread, NULL, stream, &people[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(people[i].thread, NULL);
	clear(crowd);
	free(crowd);
}
END_TEST

UNIT_MAIN("flow_crowd", everybody_reads_what_was_written, herd_makes_one_request, streams_and_leavers)
