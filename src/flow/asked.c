#include "flow/asked.h"

#include "base/macros.h"

static void set_state(struct asked *asked, bool down, int64_t now_ms)
{
	if (atomic_load(&asked->since_ms) != 0 && atomic_load(&asked->down) == down)
		return;
	atomic_store(&asked->down, down);
	atomic_store(&asked->since_ms, now_ms);
}

/* What a client gave up, and what the engine did not take, says nothing about Redmine. */
static bool says_something(enum job_outcome outcome)
{
	return outcome != JOB_REFUSED && outcome != JOB_CANCELLED;
}

void asked_note(struct asked *asked, const struct resource *resource, const struct job_result *result, unsigned status,
        int64_t now_ms)
{
	unsigned class = status / 100 < ASKED_CLASSES ? status / 100 : ASKED_CLASSES - 1;

	atomic_fetch_add_explicit(&asked->outcomes[result->outcome], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&asked->classes[class], 1, memory_order_relaxed);
	if (result->outcome == JOB_DONE)
		histogram_add(&asked->durations[resource_index(resource)], &histogram_durations, result->upstream_us);
	if (result->outcome == JOB_DONE && (class == 2 || class == 3))
		atomic_store_explicit(&asked->fresh_ms[resource_index(resource)], now_ms, memory_order_relaxed);
	if (says_something(result->outcome))
		set_state(asked, result->outcome != JOB_DONE || class == 5, now_ms);
}

const char *asked_outcome_word(enum job_outcome outcome)
{
	static const char *const words[ASKED_OUTCOMES] = {
	        [JOB_DONE] = "done",
	        [JOB_CUT] = "cut",
	        [JOB_NOT_SENT] = "unreachable",
	        [JOB_NO_ANSWER] = "no-answer",
	        [JOB_TIMEOUT] = "timeout",
	        [JOB_REFUSED] = "refused",
	        [JOB_CANCELLED] = "cancelled",
	};

	return words[outcome];
}

const char *asked_state_word(const struct asked *asked)
{
	if (atomic_load(&asked->since_ms) == 0)
		return "unknown";
	return atomic_load(&asked->down) ? "down" : "up";
}
