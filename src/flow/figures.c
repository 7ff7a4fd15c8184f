#include "flow/figures.h"

#include "flow/flow.h"

/* One that only looks what is stored, and finds nothing, is no request that was answered. */
static void count_inner(struct flow_figures *figures, const struct request *r)
{
	const struct answer *answer = &r->answer;

	if (r->directives.only_if_cached && answer->own)
		return;
	atomic_fetch_add_explicit(&figures->inner, 1, memory_order_relaxed);
	if (answer->cache.hit)
		atomic_fetch_add_explicit(&figures->inner_hits, 1, memory_order_relaxed);
	if (answer->status >= 500)
		atomic_fetch_add_explicit(&figures->inner_errors, 1, memory_order_relaxed);
}

void flow_figures_count(struct request *r)
{
	struct flow_figures *figures = &r->flow->figures;
	const struct cache_status *cache = &r->answer.cache;

	if (r->inner_limit > 0) {
		count_inner(figures, r);
		return;
	}
	atomic_fetch_add_explicit(&figures->requests, 1, memory_order_relaxed);
	if (cache->stale)
		atomic_fetch_add_explicit(&figures->stale, 1, memory_order_relaxed);
	if (cache->hit)
		atomic_fetch_add_explicit(&figures->hits, 1, memory_order_relaxed);
	else if (cache->collapsed)
		atomic_fetch_add_explicit(&figures->collapsed, 1, memory_order_relaxed);
	else if (cache->forward_status == 304)
		atomic_fetch_add_explicit(&figures->revalidated, 1, memory_order_relaxed);
	else if (cache->forward == FORWARD_METHOD)
		atomic_fetch_add_explicit(&figures->writes, 1, memory_order_relaxed);
	else if (cache->forward == FORWARD_BYPASS)
		atomic_fetch_add_explicit(&figures->bypassed, 1, memory_order_relaxed);
	else if (cache->forward != FORWARD_NOT)
		atomic_fetch_add_explicit(&figures->misses, 1, memory_order_relaxed);
	if (r->answer.status >= 500)
		atomic_fetch_add_explicit(&figures->errors, 1, memory_order_relaxed);
}
