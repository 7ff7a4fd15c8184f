#include "flow/outcome.h"

#include "kit.h"

#define SENT     "the change may or may not have been made"
#define NOT_SENT "nothing was changed"

/* What a client is told of a job that did not end well. head: the status of Redmine's answer, if its head came. */
static const struct {
	enum job_outcome outcome;
	bool maybe_sent, write;
	unsigned head;
	unsigned status;
	bool retry_after;
	const char *says;
} cases[] = {
        {JOB_NOT_SENT, false, false, 0, 502, false, "could not be reached"},
        {JOB_NOT_SENT, false, true, 0, 502, false, NOT_SENT},
        {JOB_NO_ANSWER, true, false, 0, 502, false, "without an answer"},
        {JOB_NO_ANSWER, true, true, 0, 502, false, SENT},
        {JOB_TIMEOUT, false, true, 0, 504, false, NOT_SENT},
        {JOB_TIMEOUT, true, false, 0, 504, false, "in time"},
        {JOB_TIMEOUT, true, true, 0, 504, false, SENT},
        {JOB_CUT, true, false, 200, 502, false, "cut short"},
        {JOB_CUT, true, true, 201, 502, false, "had accepted the change"},
        {JOB_CUT, true, true, 422, 502, false, "had refused the change"},
        {JOB_CUT, true, true, 500, 502, false, SENT},
        {JOB_REFUSED, false, false, 0, 503, true, "was not asked"},
        {JOB_REFUSED, false, true, 0, 503, true, NOT_SENT},
        {JOB_CANCELLED, false, true, 0, 503, true, NOT_SENT},
        {JOB_CANCELLED, true, false, 0, 503, true, "no longer asked"},
        /* Retry-After would make a client send it a second time. */
        {JOB_CANCELLED, true, true, 0, 502, false, SENT},
};

START_TEST(tells_what_is_known)
{
	struct conf *conf = kit_conf(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request *r = request_new(NULL, NULL, conf, cases[i].write ? "POST" : "GET", "/issues.json");
		struct job_result result = {
		        .outcome = cases[i].outcome, .maybe_sent = cases[i].maybe_sent, .text = "the \"reason\""};

		outcome_answer(r, &result, cases[i].write, cases[i].head);
		ck_assert_int_eq(r->answer.kind, ANSWER_WHOLE);
		ck_assert_msg(r->answer.status == cases[i].status, "%zu: %u", i, r->answer.status);
		ck_assert_msg(
		        strstr(buf_text(&r->answer.body), cases[i].says), "%zu: %s", i, buf_text(&r->answer.body));
		ck_assert_msg(strstr(buf_text(&r->answer.body), "the \\\"reason\\\""), "%s", buf_text(&r->answer.body));
		ck_assert_msg(!fields_get(&r->answer.fields, "Retry-After") == !cases[i].retry_after, "%zu", i);
		ck_assert_str_eq(fields_get(&r->answer.fields, "Cache-Control"), "no-store");
		if (!cases[i].write)
			ck_assert_msg(!strstr(buf_text(&r->answer.body), "change"), "%s", buf_text(&r->answer.body));
		request_unref(r);
	}
	conf_unref(conf);
}
END_TEST

UNIT_MAIN("outcome", tells_what_is_known)
