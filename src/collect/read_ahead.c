#include "collect/read_ahead.h"

#include "base/clock.h"
#include "base/hash.h"
#include "collect/join_fields.h"
#include "flow/inner.h"
#include "redmine/paging.h"
#include "redmine/splice.h"

#include <string.h>

#define TARGET_LIMIT (64 * 1024)

/*
 * A page of a walk. end: 0 when each page is asked for with the same limit; else the limit is what is left of `end` rows,
 * whatever Redmine gives of it, as Python-Redmine asks.
 */
struct window {
	int64_t offset, limit, end;
};

/* A page under way. */
struct errand_ahead {
	struct collect *collect;
	uint64_t walk;
	int64_t offset;
};

/* The request's query, with that window. */
static int move_to(const struct request *r, const struct window *window, struct buf *out)
{
	const char *query = r->target.query;
	size_t size = r->target.query_size;

	return window->end ? paging_fall(query, size, window->offset, window->end, out)
	                   : paging_move(query, size, window->offset, window->limit, out);
}

/* Who reads which list in pages of which size: the target without the numbers that move. 0 is no key. */
static uint64_t walk_key(const struct request *r, const struct window *window)
{
	struct window first = {.limit = window->limit, .end = window->end};
	CLEANUP(buf_release) struct buf still = BUF_INIT(TARGET_LIMIT);
	uint64_t hash;

	if (move_to(r, &first, &still) < 0)
		return 0;
	hash = hash_add(HASH_START, r->identity.digest, sizeof(r->identity.digest));
	hash = hash_add(hash, window->end ? "falls" : "stays", 5);
	hash = hash_add(hash, r->target.path, r->target.path_size);
	hash = hash_add(hash, still.data, still.size);
	return hash ? hash : 1;
}

static void told(void *arg, const struct inner_answer *answer)
{
	struct errand_ahead *errand = arg;
	bool useful = !answer->error && answer->status == 200 && !answer->own &&
	              (answer->request->answer.cache.stored || answer->request->answer.cache.hit ||
	                      answer->request->answer.cache.collapsed);
	int64_t total = -1;

	if (useful)
		total = splice_total(answer->request->target.format, answer->body->data, answer->body->size);
	walk_landed(&errand->collect->walks, errand->walk, errand->offset, useful, total);
	free(errand);
}

static void fetch(struct collect *collect, const struct request *r, const struct fields *fields, uint64_t walk,
        const struct window *window)
{
	CLEANUP(buf_release) struct buf target = BUF_INIT(TARGET_LIMIT);
	struct errand_ahead *errand = malloc(sizeof(*errand));

	if (!errand || buf_add(&target, r->raw_target, strcspn(r->raw_target, "?")) < 0 ||
	        buf_add_char(&target, '?') < 0 || move_to(r, window, &target) < 0) {
		free(errand);
		walk_landed(&collect->walks, walk, window->offset, false, -1);
		return;
	}
	*errand = (struct errand_ahead){.collect = collect, .walk = walk, .offset = window->offset};
	inner_unref(inner_start(&(struct inner_question){
	        .flow = collect->flow,
	        .conf = r->conf,
	        .session = r->session,
	        .target = target.data,
	        .fields = fields,
	        .authority = r->authority,
	        .secure = r->secure,
	        .rank = JOB_READ_AHEAD,
	        .limit = r->conf->cache.object_limit,
	        .told = told,
	        .arg = errand,
	}));
}

/* What is fetched ahead has to be kept, and served to this client. */
static bool can_walk(const struct request *r)
{
	const struct directives *d = &r->directives;

	return r->resource && (r->resource->traits & RESOURCE_PAGED) && r->inner_limit == 0 && !r->joins &&
	       strcmp(r->method, "GET") == 0 && !r->identity.cookie && !d->no_cache && !d->no_store &&
	       d->max_age != 0 && !d->only_if_cached &&
	       (r->target.format == TARGET_FORMAT_JSON || r->target.format == TARGET_FORMAT_XML) &&
	       r->conf->collections.read_ahead > 0;
}

/* The window that is asked for, and its end should the limit be what is left. False: none that walks. */
static bool read_window(const struct request *r, struct window *ret)
{
	struct paging paging;

	if (!paging_read(&paging, r->target.query, r->target.query ? r->target.query_size : 0))
		return false;
	if (paging.limit < -1 || paging.offset < -1 || paging.page < -1)
		return false;
	*ret = (struct window){.limit = paging.limit > 0 ? paging.limit : PAGING_DEFAULT};
	if (ret->limit > PAGING_MAX)
		ret->limit = PAGING_MAX;
	ret->offset = paging.offset >= 0 ? paging.offset : paging.page > 0 ? (paging.page - 1) * ret->limit : 0;
	if (paging.limit > 0 && paging.offset >= 0)
		ret->end = paging.offset + paging.limit;
	return true;
}

/* The length of the list, as an answer says that is there. */
static int64_t total_of(const struct request *page, const struct entry *entry)
{
	return entry ? splice_total(page->target.format, entry->body->data, entry->body->size) : -1;
}

/* A falling walk may begin with this page; the next one tells. */
static void mark_fall(struct walks *walks, uint64_t walk, const struct window *window)
{
	struct walk_page_asked asked = {
	        .offset = window->offset,
	        .limit = window->limit,
	        .total = window->end,
	        .alone = true,
	        .now_us = clock_monotonic_us(),
	};
	struct walk_ahead none;

	walk_note(walks, walk, &asked, 0, &none);
}

void read_ahead_begin(struct collect *collect, struct request *r)
{
	struct window window;
	uint64_t falling;

	if (!can_walk(r) || !read_window(r, &window))
		return;
	falling = window.end ? walk_key(r, &window) : 0;
	if (falling && walk_is_known(&collect->walks, falling)) {
		r->walk = falling;
		r->walk_end = window.end;
	} else {
		if (falling && window.end - window.offset > PAGING_MAX)
			mark_fall(&collect->walks, falling, &window);
		window.end = 0;
		r->walk = walk_key(r, &window);
	}
	if (r->walk)
		r->walks_alone = walk_begin(&collect->walks, r->walk);
}

void read_ahead_end(struct collect *collect, const struct request *r)
{
	const struct answer *answer = &r->answer;
	int64_t total = -1;

	/* Before the client has this page and asks for the next: nothing is fetched from behind the end. */
	if (answer->kind == ANSWER_ENTRY && answer->entry->status == 200 && !answer->cache.hit)
		total = total_of(r, answer->entry);
	if (r->walk_end && total > r->walk_end)
		total = r->walk_end;
	walk_end(&collect->walks, r->walk, total);
}

void read_ahead(struct collect *collect, const struct request *r)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	CLEANUP(entry_unrefp) struct entry *entry = NULL;
	struct walk_ahead ahead;
	struct walk_page_asked asked = {.now_us = clock_monotonic_us(), .alone = r->walks_alone};
	struct window window;

	if (!r->walk || !read_window(r, &window))
		return;
	window.end = r->walk_end;
	entry = cache_peek(collect->flow->cache, &r->key);
	asked.offset = window.offset;
	asked.limit = window.end ? PAGING_MAX : window.limit;
	asked.hit = entry != NULL;
	asked.total = total_of(r, entry);
	if (window.end && (asked.total < 0 || asked.total > window.end))
		asked.total = window.end;
	walk_note(&collect->walks, r->walk, &asked, (unsigned)r->conf->collections.read_ahead, &ahead);
	if (ahead.count == 0 || join_fields_copy(&fields, r) < 0)
		return;
	for (size_t i = 0; i < ahead.count; i++) {
		window.offset = ahead.offsets[i];
		fetch(collect, r, &fields, r->walk, &window);
	}
}
