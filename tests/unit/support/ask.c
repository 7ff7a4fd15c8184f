#include "ask.h"

#include <check.h>
#include <string.h>

#define LIMIT_MS   60000
#define BODY_LIMIT (64 * 1024 * 1024)

static void on_interim(struct job *job, const struct job_head *head)
{
	struct ask *a = job->owner;

	ck_assert_int_eq(atomic_load(&a->heads), 0);
	ck_assert_int_eq(buf_printf(&a->interims, "%u %s\r\n", head->status, head->reason), 0);
	ck_assert_int_eq(fields_print(head->fields, &a->interims), 0);
}

static int on_head(struct job *job, const struct job_head *head)
{
	struct ask *a = job->owner;

	atomic_fetch_add(&a->heads, 1);
	a->status = head->status;
	a->framed = head->framed;
	snprintf(a->reason, sizeof(a->reason), "%s", head->reason);
	fields_release(&a->fields);
	a->fields = *head->fields;
	*head->fields = FIELDS_INIT;
	gate_open(&a->headed);
	return a->head_result;
}

static int on_body(struct job *job, const char *data, size_t size)
{
	struct ask *a = job->owner;

	if (a->body_result < 0)
		return a->body_result;
	if (a->body_credit_step > 0 && atomic_load(&a->taken) >= atomic_load(&a->body_credit)) {
		atomic_fetch_add(&a->body_holds, 1);
		atomic_store(&a->body_held, true);
		return JOB_HOLD;
	}
	atomic_fetch_add(&a->taken, size);
	return a->discards ? 0 : buf_add(&a->body, data, size);
}

static ssize_t on_upload(struct job *job, char *room, size_t size)
{
	struct ask *a = job->owner;
	uint64_t at = atomic_load(&a->given), all = a->upload_zeros ? a->upload_zeros : a->upload_size;

	if (a->upload_result < 0)
		return a->upload_result;
	if (a->upload_gate && at > 0)
		gate_wait(a->upload_gate);
	if (a->upload_credit_step > 0) {
		uint64_t credit = atomic_load(&a->upload_credit);

		if (at >= credit && at < all) {
			atomic_fetch_add(&a->upload_holds, 1);
			atomic_store(&a->upload_held, true);
			return JOB_HOLD;
		}
		all = all < credit ? all : credit;
	}
	if (size > all - at)
		size = (size_t)(all - at);
	if (a->upload_zeros)
		memset(room, 0, size);
	else
		memcpy(room, a->upload + at, size);
	atomic_fetch_add(&a->given, size);
	return (ssize_t)size;
}

static void on_done(struct job *job, const struct job_result *result)
{
	struct ask *a = job->owner;

	a->result = *result;
	if (a->order_next)
		a->order = atomic_fetch_add(a->order_next, 1);
	atomic_fetch_add(&a->dones, 1);
	gate_open(&a->done);
}

static const struct job_client client = {
        .interim = on_interim, .head = on_head, .body = on_body, .upload = on_upload, .done = on_done};

void ask_init(struct ask *a, const char *method, const char *target)
{
	*a = (struct ask){
	        .body = BUF_INIT(BODY_LIMIT), .interims = BUF_INIT(BODY_LIMIT), .done = GATE_INIT, .headed = GATE_INIT};
	job_init(&a->job, &client, a);
	a->job.method = method;
	a->job.target = target;
	a->job.timeout_ms = LIMIT_MS;
	a->job.connect_timeout_ms = LIMIT_MS;
	a->job.safe = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

void ask_set_body(struct ask *a, const char *data, size_t size, bool chunked)
{
	a->upload = data;
	a->upload_size = size;
	a->job.has_body = true;
	a->job.body_size = chunked ? -1 : (int64_t)size;
}

void ask_add_field(struct ask *a, const char *name, const char *value)
{
	ck_assert_int_eq(fields_add(&a->job.fields, name, value), 0);
}

void ask_release(struct ask *a)
{
	job_release(&a->job);
	fields_release(&a->fields);
	buf_release(&a->body);
	buf_release(&a->interims);
}

void ask_wait(struct ask *a)
{
	gate_wait(&a->done);
	ck_assert_int_eq(atomic_load(&a->dones), 1);
	ck_assert_int_le(atomic_load(&a->heads), 1);
}

void ask_go_on_body(struct ask *a)
{
	atomic_store(&a->body_held, false);
	atomic_fetch_add(&a->body_credit, a->body_credit_step);
	job_wake(&a->job);
}

void ask_go_on_upload(struct ask *a)
{
	atomic_store(&a->upload_held, false);
	atomic_fetch_add(&a->upload_credit, a->upload_credit_step);
	job_wake(&a->job);
}

const char *outcome_word(enum job_outcome outcome)
{
	static const char *const words[] = {
	        [JOB_DONE] = "done",
	        [JOB_CUT] = "cut",
	        [JOB_NOT_SENT] = "not sent",
	        [JOB_NO_ANSWER] = "no answer",
	        [JOB_TIMEOUT] = "timeout",
	        [JOB_REFUSED] = "refused",
	        [JOB_CANCELLED] = "cancelled",
	};

	return words[outcome];
}

void ask_assert_outcome(struct ask *a, enum job_outcome outcome)
{
	ask_wait(a);
	ck_assert_msg(a->result.outcome == outcome, "%s %s: %s, not %s (%s)", a->job.method, a->job.target,
	        outcome_word(a->result.outcome), outcome_word(outcome), a->result.text);
}

void ask_assert_done(struct ask *a, unsigned status, const char *body)
{
	ask_assert_outcome(a, JOB_DONE);
	ck_assert_int_eq(atomic_load(&a->heads), 1);
	ck_assert_uint_eq(a->status, status);
	ck_assert_str_eq(buf_text(&a->body), body);
	ck_assert_str_eq(a->result.text, "");
}
