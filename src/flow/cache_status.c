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
		r = buf_printf(out, "; hit; ttl=%lld", whole_seconds(status->ttl_ms));
	if (r == 0 && status->forward != FORWARD_NOT)
		r = buf_printf(out, "; fwd=%s", forwards[status->forward]);
	if (r == 0 && status->forward_status != 0)
		r = buf_printf(out, "; fwd-status=%u", status->forward_status);
	if (r == 0 && status->stored)
		r = buf_add_text(out, "; stored");
	if (r == 0 && status->collapsed)
		r = buf_add_text(out, "; collapsed");
	return r;
}

const char *cache_status_word(const struct cache_status *status)
{
	if (status->hit)
		return status->ttl_ms < 0 ? "stale-hit" : "hit";
	if (status->collapsed)
		return "collapsed";
	switch (status->forward) {
	case FORWARD_URI_MISS:
	case FORWARD_REQUEST:
		return "miss";
	case FORWARD_STALE:
		return status->forward_status == 304 ? "revalidated" : "miss";
	case FORWARD_BYPASS:
		return "bypass";
	case FORWARD_METHOD:
		return "write";
	case FORWARD_NOT:
		return "none";
	}
	WRONG("a forward outside its enum");
}
