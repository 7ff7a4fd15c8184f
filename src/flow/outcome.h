/*
 * What a client is told, and the log, when Redmine did not answer.
 */
#ifndef FLOW_OUTCOME_H
#define FLOW_OUTCOME_H

#include "flow/request.h"
#include "upstream/job.h"

/*
 * Makes the answer of a job that did not end well: 502, 503 or 504, saying for a write whether Redmine can
 * have made the change. status: Redmine's, if its head came; 0 otherwise.
 */
void outcome_answer(struct request *r, const struct job_result *result, bool write, unsigned status);

/* Makes the answer 503 of a read for which Redmine is not asked, as it fails (flow/breaker.h). */
void outcome_answer_left_alone(struct request *r, int retry_after);

/* One warning for the log. */
void outcome_log(const struct request *r, const struct job_result *result);

#endif
