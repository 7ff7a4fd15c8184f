/*
 * A job of a test: asks, and gathers what the engine tells. It can hold what
 * comes and what goes, and give up at any of its calls.
 */
#ifndef SUPPORT_ASK_H
#define SUPPORT_ASK_H

#include "upstream/job.h"
#include "wait.h"

struct ask {
	struct job job;

	/* How it behaves; set before it is submitted. */
	const char *upload; /* bytes of the request's body */
	size_t upload_size;
	uint64_t upload_zeros;                         /* so many zero bytes instead */
	bool discards;                                 /* bytes of the answer are only counted */
	int head_result;                               /* what head() returns */
	int body_result;                               /* ... and body() when it is negative */
	ssize_t upload_result;                         /* ... and upload() when it is negative */
	struct gate *upload_gate;                      /* upload() waits there once it has given something */
	uint64_t body_credit_step, upload_credit_step; /* 0: never hold; else so many bytes for each ask_go_on_*() */

	/* What was told. Atomic: looked at while it runs. The rest after ask_wait(). */
	_Atomic uint64_t taken, given;
	atomic_int heads, dones, body_holds, upload_holds;
	atomic_bool body_held, upload_held;
	struct gate headed, done;
	_Atomic uint64_t body_credit, upload_credit;
	struct buf interims; /* what went before: "103 Early Hints\r\nName: value\r\n" each; after ask_wait() */
	unsigned status;
	char reason[256];
	bool framed;
	struct fields fields;
	struct buf body;
	struct job_result result;
	atomic_uint *order_next; /* a counter that several share */
	unsigned order;          /* which of them was done */
};

/* With time limits of 60 s. method, target: borrowed. */
void ask_init(struct ask *a, const char *method, const char *target);
/* Makes it a request with a body: size bytes, or chunked. data: borrowed. */
void ask_set_body(struct ask *a, const char *data, size_t size, bool chunked);
void ask_add_field(struct ask *a, const char *name, const char *value);
/* After its end. */
void ask_release(struct ask *a);

/* Waits for done(), fails the test when it does not come, or came twice. */
void ask_wait(struct ask *a);
/* One more step of credit for what was held. */
void ask_go_on_body(struct ask *a);
void ask_go_on_upload(struct ask *a);

/* After ask_wait. */
void ask_assert_done(struct ask *a, unsigned status, const char *body);
void ask_assert_outcome(struct ask *a, enum job_outcome outcome);

const char *outcome_word(enum job_outcome outcome);

#endif
