#include "flow/outcome.h"

#include "redmine/redact.h"

#define RETRY_AFTER_SECONDS 1
#define TARGET_SHOWN        512

static const char *const words[] = {
        [JOB_DONE] = "answered",
        [JOB_CUT] = "sent an answer that was cut short",
        [JOB_NOT_SENT] = "could not be reached",
        [JOB_NO_ANSWER] = "ended the connection without an answer",
        [JOB_TIMEOUT] = "did not answer in time",
        [JOB_REFUSED] = "was not asked",
        [JOB_CANCELLED] = "was no longer asked",
};

static unsigned status_of(const struct job_result *result)
{
	switch (result->outcome) {
	case JOB_TIMEOUT:
		return 504;
	case JOB_REFUSED:
	case JOB_CANCELLED:
		return 503;
	case JOB_DONE:
	case JOB_CUT:
	case JOB_NOT_SENT:
	case JOB_NO_ANSWER:
		return 502;
	}
	WRONG("an outcome outside its enum");
}

/* A 5xx may come after the change was made (redmine-api.md 5.3). */
static bool is_unknown(const struct job_result *result, unsigned status)
{
	return (status == 0 || status >= 500) && result->maybe_sent && result->outcome != JOB_NOT_SENT &&
	       result->outcome != JOB_REFUSED;
}

/* The one thing that whoever sent a write must know. */
static const char *fate_of_write(const struct job_result *result, unsigned status)
{
	if (is_unknown(result, status))
		return " The outcome is unknown: the change may or may not have been made. It was not sent again.";
	if (status != 0)
		return status < 400 ? " Redmine had accepted the change." : " Redmine had refused the change.";
	return " The request was not sent: nothing was changed.";
}

void outcome_answer(struct request *r, const struct job_result *result, bool write, unsigned status)
{
	unsigned code = status_of(result);

	/* A 503 says "try again": the change could then be made twice. */
	if (write && code == 503 && is_unknown(result, status))
		code = 502;
	request_answer_error(r, code, code == 503 ? RETRY_AFTER_SECONDS : 0, "Redmine %s%s%s.%s",
	        words[result->outcome], result->text[0] ? ": " : "", result->text,
	        write ? fate_of_write(result, status) : "");
}

void outcome_answer_left_alone(struct request *r, int retry_after)
{
	request_answer_error(r, 503, retry_after,
	        "Redmine did not answer lately: it is left alone for the moment, and asked again in %d s.",
	        retry_after);
}

void outcome_log(const struct request *r, const struct job_result *result)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_SHOWN * 4);

	if (redact_target(r->raw_target, TARGET_SHOWN, &shown) < 0)
		return;
	log_warn("Redmine %s: %s %s: %s", words[result->outcome], r->method, buf_text(&shown), result->text);
}
