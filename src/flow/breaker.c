#include "flow/breaker.h"

void breaker_init(struct breaker *b)
{
	*b = (struct breaker){.state = BREAKER_CLOSED};
	pthread_mutex_init(&b->lock, NULL);
}

void breaker_release(struct breaker *b)
{
	pthread_mutex_destroy(&b->lock);
}

enum breaker_leave breaker_ask(
        struct breaker *b, const struct breaker_settings *settings, int64_t now_ms, int64_t *ret_wait_ms)
{
	enum breaker_leave leave = BREAKER_GO;

	pthread_mutex_lock(&b->lock);
	if (settings->limit == 0)
		b->state = BREAKER_CLOSED; /* switched off by a reload */
	if (b->state == BREAKER_OPEN && now_ms >= b->until_ms) {
		b->state = BREAKER_HALF_OPEN;
		leave = BREAKER_PROBE;
	} else if (b->state != BREAKER_CLOSED) {
		leave = BREAKER_STOP;
		*ret_wait_ms = b->state == BREAKER_OPEN ? b->until_ms - now_ms : BREAKER_PAUSE_MS;
	}
	pthread_mutex_unlock(&b->lock);
	return leave;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void trip(struct breaker *b, int64_t pause_ms, int64_t now_ms)
{
	b->state = BREAKER_OPEN;
	b->pause_ms = pause_ms;
	b->until_ms = now_ms + pause_ms;
	b->openings++;
}

/* Of questions that left before it opened failures are still told: they change nothing. */
static void note_failure(struct breaker *b, const struct breaker_settings *settings, int64_t now_ms, bool probe)
{
	b->failures += b->failures < INT32_MAX;
	if (b->state == BREAKER_CLOSED && settings->limit > 0 && b->failures >= settings->limit)
		trip(b, least(BREAKER_PAUSE_MS, settings->pause_max_ms), now_ms);
	else if (probe)
		trip(b, least(b->pause_ms * 2, settings->pause_max_ms), now_ms);
}

bool breaker_tell(
        struct breaker *b, const struct breaker_settings *settings, int64_t now_ms, enum breaker_news news, bool probe)
{
	enum breaker_state before;
	bool changed;

	pthread_mutex_lock(&b->lock);
	before = b->state;
	probe &= b->state == BREAKER_HALF_OPEN;
	switch (news) {
	case BREAKER_GOOD:
		b->state = BREAKER_CLOSED;
		b->failures = 0;
		break;
	case BREAKER_BAD:
		note_failure(b, settings, now_ms, probe);
		break;
	case BREAKER_UNKNOWN:
		if (probe) { /* the next one may try */
			b->state = BREAKER_OPEN;
			b->until_ms = now_ms;
		}
		break;
	}
	changed = b->state != before;
	pthread_mutex_unlock(&b->lock);
	return changed;
}

enum breaker_state breaker_get(struct breaker *b, uint64_t *ret_openings)
{
	enum breaker_state state;

	pthread_mutex_lock(&b->lock);
	state = b->state;
	*ret_openings = b->openings;
	pthread_mutex_unlock(&b->lock);
	return state;
}

const char *breaker_state_word(enum breaker_state state)
{
	switch (state) {
	case BREAKER_CLOSED:
		return "closed";
	case BREAKER_OPEN:
		return "open";
	case BREAKER_HALF_OPEN:
		return "half-open";
	}
	WRONG("a state outside its enum");
}
