/*
 * An engine that keeps no promise. The target of a job says which: "/twice", "/never"... It answers by itself, on the
 * base's threads. Built with BROKEN it cannot even be used: 1: of another version; 2: without create_session;
 * 3: without process_bulk_request; 4: init() fails; 5: offers nothing; 6: does not start.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <redmine-cached/engine.h>

#ifndef BROKEN
#define BROKEN 0
#endif

static atomic_int pokes; /* of jobs for /lost */

static void hello(struct rc_engine *engine, struct rc_job *job)
{
	static const struct rc_field fields[] = {{"X-Mine", "1"}, {"X-Mine", "2"}};
	struct rc_head head = {200, "Fine", fields, 2, 1};

	rc_job_head(engine, job, &head);
	rc_job_body(engine, job, "hello", 5);
}

/* Says what it gets: fields, then the body of the request. */
static void echo(struct rc_engine *engine, struct rc_job *job)
{
	struct rc_head head = {200, "", NULL, 0, 1};
	struct rc_field field;
	char text[1024];
	ptrdiff_t n;

	rc_job_head(engine, job, &head);
	snprintf(text, sizeof(text), "%s %lld %d %lld|", rc_job_method(engine, job),
	        (long long)rc_job_body_size(engine, job), rc_job_is_safe(engine, job),
	        (long long)rc_job_timeout_ms(engine, job));
	rc_job_body(engine, job, text, strlen(text));
	for (size_t i = 0; rc_job_field(engine, job, i, &field); i++) {
		snprintf(text, sizeof(text), "%s: %s|", field.name, field.value);
		rc_job_body(engine, job, text, strlen(text));
	}
	while ((n = rc_job_upload(engine, job, text, sizeof(text))) != 0) {
		if (n == RC_HOLD && rc_job_wait(engine, job) == 0)
			continue;
		if (n < 0)
			break;
		while (rc_job_body(engine, job, text, (size_t)n) == RC_HOLD)
			if (rc_job_wait(engine, job) < 0)
				break;
	}
	rc_job_done(engine, job, n == 0 ? RC_DONE : RC_CUT, 1, n == 0 ? "" : "upload");
}

static void request(struct rc_engine *engine, struct rc_session *session, struct rc_job *job)
{
	const char *target = rc_job_target(engine, job);
	struct rc_head nonsense = {99, "", NULL, 0, 1};

	if (strcmp(target, "/twice") == 0) {
		hello(engine, job);
		rc_job_done(engine, job, RC_DONE, 1, "");
		rc_job_done(engine, job, RC_DONE, 1, "");
		hello(engine, job);
		rc_session_perform(engine, session, job);
		rc_queue_put(engine, job);
	} else if (strcmp(target, "/headless") == 0) {
		rc_job_body(engine, job, "hello", 5);
		rc_job_head(engine, job, &nonsense);
		rc_job_done(engine, job, RC_DONE, 1, "");
	} else if (strcmp(target, "/two-heads") == 0) {
		hello(engine, job);
		hello(engine, job);
		rc_job_done(engine, job, RC_DONE, 1, "");
	} else if (strcmp(target, "/interim") == 0) {
		struct rc_field field = {"Link", "</a>"};
		struct rc_head early = {103, "Early Hints", &field, 1, 1}, not_mine = {101, "", NULL, 0, 1};

		rc_job_head(engine, job, &early);
		rc_job_head(engine, job, &not_mine);
		hello(engine, job);
		rc_job_head(engine, job, &early);
		rc_job_done(engine, job, RC_DONE, 1, "");
	} else if (strcmp(target, "/never-after-head") == 0) {
		hello(engine, job);
	} else if (strncmp(target, "/end-", 5) == 0) {
		rc_session_perform(engine, session, job);
	} else if (strcmp(target, "/performed") == 0) {
		rc_session_perform(engine, session, job);
		rc_job_done(engine, job, RC_CUT, 1, "again");
	} else if (strcmp(target, "/wait") == 0) {
		while (rc_job_wait(engine, job) == 0)
			continue;
		rc_job_done(engine, job, RC_NO_ANSWER, 0, "woken");
	} else if (strcmp(target, "/outcome") == 0) {
		rc_job_done(engine, job, (enum rc_outcome)77, 0, NULL);
	} else if (strcmp(target, "/pokes") == 0) {
		struct rc_head head = {(unsigned)(200 + pokes), "", NULL, 0, 1};

		rc_job_head(engine, job, &head);
		rc_job_done(engine, job, RC_DONE, 0, "");
	} else if (strcmp(target, "/echo") == 0) {
		echo(engine, job);
	}
}

/* Ends the job under the session's feet: at its head, in its body, at its end. */
static int process_response(struct rc_engine *engine, struct rc_job *job, const struct rc_piece *piece)
{
	static const char *const targets[] = {"/end-head", "/end-body", "/end-end"};

	if (strcmp(rc_job_target(engine, job), targets[piece->kind]) == 0)
		rc_job_done(engine, job, RC_CUT, 1, "ended under way");
	return 0;
}

static struct rc_session *create_session(struct rc_engine *engine, char *why, size_t why_size)
{
#if BROKEN == 6
	snprintf(why, why_size, "no session today");
	return NULL;
#else
	return rc_session_new(engine, 1, why, why_size);
#endif
}

static void process_bulk_request(struct rc_engine *engine, struct rc_job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rc_job_target(engine, jobs[i]), "/lost") != 0)
			rc_queue_put(engine, jobs[i]);
}

static void poke(struct rc_engine *engine, struct rc_job *job)
{
	if (strcmp(rc_job_target(engine, job), "/lost") == 0)
		pokes++;
}

static int init(struct rc_engine *engine, char *why, size_t why_size)
{
	char word[8] = "";
	int r = rc_options_known(engine, "one two", why, why_size), over = 0;

#if BROKEN == 4
	snprintf(why, why_size, "not today");
	return -EBUSY;
#endif
	if (r == 0 && (rc_session_new(engine, 1, word, sizeof(word)) || rc_queue_take(engine) ||
	                      rc_queue_try(engine, &over))) {
		snprintf(why, why_size, "got what there is not yet");
		r = -EINVAL;
	}
	if (r == 0 && rc_option(engine, "one", word, sizeof(word)) == -ENOBUFS) {
		snprintf(why, why_size, "one is too long");
		r = -EINVAL;
	}
	return r;
}

#if BROKEN == 5
#define OFFER rc_other
RC_EXPORT extern const struct rc_engine_ops rc_other;
#else
#define OFFER rc_plugin
#endif

const struct rc_engine_ops OFFER = {
        .abi = BROKEN == 1 ? RC_ENGINE_ABI + 1 : RC_ENGINE_ABI,
        .size = sizeof(struct rc_engine_ops),
        .workers_max = 2,
        .create_session = BROKEN == 2 ? NULL : create_session,
        .process_bulk_request = BROKEN == 3 ? NULL : process_bulk_request,
        .init = init,
        .request = request,
        .process_response = process_response,
        .poke = poke,
};
