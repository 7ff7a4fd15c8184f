#include "flow/cache_status.h"

static const char *const forwards[] = {
        [FORWARD_URI_MISS] = "uri-miss",
        [FORWARD_STALE] = "stale",
        [FORWARD_REQUEST] = "request",
        [FORWARD_BYPASS] = "bypass",
        [FORWARD_METHOD] = "method",
};

/* Whole seconds, rounded towards the past: never promises more than there is. */
static long long whole_seconds(int64_t ms)
{
	return ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
}

int cache_status_print(const struct cache_status *status, struct buf *out)
{
	int r = buf_add_text(out, CACHE_STATUS_NAME);

	if (r == 0 && status->hit)
		r = buf_add_text(out, "; hit");
	if (r == 0 && (status->hit || status->stale))
		r = buf_printf(out, "; ttl=%lld", whole_seconds(status->ttl_ms));
	if (r == 0 && status->forward != FORWARD_NOT)
		r = buf_printf(out, "; fwd=%s", forwards[status->forward]);
	if (r == 0 && status->forward_status != 0)
		r = buf_printf(out, "; fwd-status=%u", status->forward_status);
	if (r == 0 && status->stored)
		r = buf_add_text(out, "; stored");
	if (r == 0 && status->collapsed)
		r = buf_add_text(out, "; collapsed");
	if (r == 0 && status->detail)
		r = buf_printf(out, "; detail=%s", status->detail);
	return r;
}

enum cache_kind cache_status_kind(const struct cache_status *status)
{
	if (status->stale)
		return CACHE_KIND_STALE_HIT;
	if (status->hit)
		return status->ttl_ms < 0 ? CACHE_KIND_STALE_HIT : CACHE_KIND_HIT;
	if (status->collapsed)
		return CACHE_KIND_COLLAPSED;
	switch (status->forward) {
	case FORWARD_URI_MISS:
	case FORWARD_REQUEST:
		return CACHE_KIND_MISS;
	case FORWARD_STALE:
		return status->forward_status == 304 ? CACHE_KIND_REVALIDATED : CACHE_KIND_MISS;
	case FORWARD_BYPASS:
		return CACHE_KIND_BYPASS;
	case FORWARD_METHOD:
		return CACHE_KIND_WRITE;
	case FORWARD_NOT:
		return CACHE_KIND_NONE;
	}
	WRONG("a forward outside its enum");
}

const char *cache_kind_word(enum cache_kind kind)
{
	static const char *const words[CACHE_KINDS] = {
	        [CACHE_KIND_HIT] = "hit",
	        [CACHE_KIND_STALE_HIT] = "stale-hit",
	        [CACHE_KIND_MISS] = "miss",
	        [CACHE_KIND_REVALIDATED] = "revalidated",
	        [CACHE_KIND_COLLAPSED] = "collapsed",
	        [CACHE_KIND_BYPASS] = "bypass",
	        [CACHE_KIND_WRITE] = "write",
	        [CACHE_KIND_NONE] = "none",
	};

	return words[kind];
}

const char *cache_status_word(const struct cache_status *status)
{
	return cache_kind_word(cache_status_kind(status));
}
