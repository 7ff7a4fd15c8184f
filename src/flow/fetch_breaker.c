#include "flow/fetch_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "flow/named_session.h"

static int64_t now_ms(void)
{
	return clock_monotonic_us() / 1000;
}

static struct breaker_settings settings_of(const struct fetch *f)
{
	const struct conf *conf = f->r->conf;

	return (struct breaker_settings){
	        .limit = conf->upstream.breaker, .pause_max_ms = conf->upstream.breaker_pause_ms};
}

bool fetch_admit(struct fetch *f)
{
	struct breaker_settings settings = settings_of(f);
	int64_t wait_ms;

	if (named_session_is_apart(f->r))
		return true;
	switch (breaker_ask(&f->flow->breaker, &settings, now_ms(), &wait_ms)) {
	case BREAKER_GO:
		return true;
	case BREAKER_PROBE:
		f->probe = true;
		return true;
	case BREAKER_STOP:
		f->stopped = true;
		f->retry_after = (int)((wait_ms + 999) / 1000);
		return false;
	}
	WRONG("breaker_ask answered outside its enum");
}

void fetch_tell_breaker(struct fetch *f, enum breaker_news news)
{
	struct breaker_settings settings = settings_of(f);

	if (f->breaker_told || f->stopped || named_session_is_apart(f->r))
		return;
	f->breaker_told = true;
	if (!breaker_tell(&f->flow->breaker, &settings, now_ms(), news, f->probe) || news == BREAKER_UNKNOWN)
		return;
	if (news == BREAKER_GOOD)
		log_info("Redmine answers again");
	else
		log_warn("Redmine failed %s: it is left alone for a while (upstream.breaker)",
		        f->probe ? "again" : "too often in a row");
}

bool fetch_is_failure(unsigned status)
{
	return status == 500 || status == 502 || status == 503 || status == 504;
}

enum breaker_news fetch_news(const struct fetch *f, const struct job_result *result)
{
	if (f->write && !f->headed) /* they are always tried, and what one brings down others need not */
		return BREAKER_UNKNOWN;
	if (f->headed) /* a 500 is an error of one page */
		return f->status == 502 || f->status == 503 || f->status == 504 ? BREAKER_BAD : BREAKER_GOOD;
	switch (result->outcome) {
	case JOB_NOT_SENT:
	case JOB_NO_ANSWER:
		return BREAKER_BAD;
	case JOB_TIMEOUT: /* of a time limit that is shorter than the settings' nothing can be told */
		return f->impatient || named_session_timeout_ms(f->r) < f->r->conf->upstream.timeout_ms
		               ? BREAKER_UNKNOWN
		               : BREAKER_BAD;
	case JOB_DONE:
	case JOB_CUT:
	case JOB_REFUSED:
	case JOB_CANCELLED:
		return BREAKER_UNKNOWN;
	}
	WRONG("an outcome outside its enum");
}
