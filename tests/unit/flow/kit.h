/*
 * What the tests of this room share: a flow with a real cache before an engine
 * that only notes its jobs, so that a test answers each of them when and how it
 * likes, on its own thread; and clients that note when they were parked and
 * when their answer was there.
 */
#ifndef FLOW_KIT_H
#define FLOW_KIT_H

#include "base/clock.h"
#include "engine/base.h"
#include "flow/fetch.h"
#include "flow/flow.h"
#include "flow/forward.h"

#include "../unit.h"

#include "../support/wait.h"

#include <errno.h>
#include <string.h>

#define KIT_JOBS 1024
/* The Redmine of these tests. */
#define KIT_ORIGIN "http://redmine.test"
/* How clients address the daemon. */
#define KIT_AUTHORITY "cache.test:7336"

struct kit {
	struct conf *conf;
	struct origin origin;
	struct digest_secret secret;
	struct cache *cache;
	struct engines *engines;
	struct flow flow;
	struct job *jobs[KIT_JOBS]; /* in the order of their submission; NULL: ended */
	size_t job_count;
	bool refuses; /* the engine takes nothing more */
};

struct kit_options {
	const char *const *settings;   /* "section.name=value", NULL-terminated; may be NULL */
	const struct store_ops *store; /* NULL: none */
	const char *origin;            /* NULL: KIT_ORIGIN */
};

void kit_make(struct kit *kit, const struct kit_options *options);
/* No job may be open. */
void kit_clear(struct kit *kit);

/* Settings from "section.name=value", NULL-terminated; upstream.url and cache.path are given. */
struct conf *kit_conf(const char *const *settings);

/* One client's request. */
struct client {
	struct request *r;
	bool at_once; /* what flow_start said */
	atomic_int parked, readied;
	char interims[256]; /* as they were told: "103 Early Hints\r\nName: value\r\n" each */
	void (*on_park)(struct client *client);
	void *arg;
};

/* Sends a request; fields: "Name: value\r\n"..., may be NULL. */
void client_ask(struct client *client, struct kit *kit, const char *method, const char *target, const char *fields);
/* The same with a body that is there already. */
void client_send(struct client *client, struct kit *kit, const char *method, const char *target, const char *fields,
        const char *body);
/* The same in steps, for tests of their own. */
void client_prepare(struct client *client, struct kit *kit, const char *method, const char *target, const char *fields);
void client_start(struct client *client, struct kit *kit);
void client_leave(struct client *client);

/* The answer is there, once. */
void client_assert_ready(struct client *client);
void client_assert_waits(struct client *client);
/* status: "200"; cache: what Cache-Status says without the name and ttl ("hit", "fwd=uri-miss; stored"); body. */
void client_assert_answer(struct client *client, unsigned status, const char *cache, const char *body);
/* The field of the answer, NULL for none. */
const char *client_field(struct client *client, const char *name);

/* A request that ends with this answer at once: asks, answers the one job, looks, leaves. */
void kit_store(struct kit *kit, const char *target, const char *fields, const char *body);

/* The job of that index; it must be open. */
struct job *kit_job(struct kit *kit, size_t index);
/* Jobs that are open. */
size_t kit_open(const struct kit *kit);
/* Tells the job a head: "200 OK\r\nName: value\r\n"... with Content-Length unless the fields say how the body is framed. */
int kit_head(struct job *job, const char *status_and_fields, int64_t length, bool framed);
/* Tells the job an interim head, written as there. */
void kit_interim(struct job *job, const char *status_and_fields);
/* Tells the end. */
void kit_done(struct kit *kit, size_t index, enum job_outcome outcome, bool maybe_sent);
/* The whole answer. */
void kit_answer(struct kit *kit, size_t index, const char *status_and_fields, const char *body);
/* The end without an answer. */
void kit_fail(struct kit *kit, size_t index, enum job_outcome outcome, bool maybe_sent);

/* Redmine's JSON answer. */
#define KIT_JSON                                                                                                       \
	"200 OK\r\nContent-Type: application/json; charset=utf-8\r\nCache-Control: max-age=0, private, must-revalidate\r\n"

#endif
