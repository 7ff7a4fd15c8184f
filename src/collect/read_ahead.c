#include "collect/read_ahead.h"

#include "base/clock.h"
#include "collect/join_fields.h"
#include "flow/inner.h"
#include "redmine/paging.h"
#include "redmine/splice.h"

#include <string.h>

#define TARGET_LIMIT (64 * 1024)

/* A page under way. */
struct errand_ahead {
	struct collect *collect;
	uint64_t walk;
	int64_t offset;
};

static uint64_t mix(uint64_t hash, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)data[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
	return hash;
}

/* Who reads which list in pages of which size: the target without the number that moves. 0 is no key. */
static uint64_t walk_key(const struct request *r, int64_t limit)
{
	CLEANUP(buf_release) struct buf still = BUF_INIT(TARGET_LIMIT);
	uint64_t hash;

	if (paging_move(r->target.query, r->target.query_size, 0, limit, &still) < 0)
		return 0;
	hash = mix(UINT64_C(0xcbf29ce484222325), (const char *)r->identity.digest, sizeof(r->identity.digest));
	hash = mix(hash, r->target.path, r->target.path_size);
	hash = mix(hash, still.data, still.size);
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
        int64_t offset, int64_t limit)
{
	CLEANUP(buf_release) struct buf target = BUF_INIT(TARGET_LIMIT);
	struct errand_ahead *errand = malloc(sizeof(*errand));

	if (!errand || buf_add(&target, r->raw_target, strcspn(r->raw_target, "?")) < 0 ||
	        buf_add_char(&target, '?') < 0 ||
	        paging_move(r->target.query, r->target.query_size, offset, limit, &target) < 0) {
		free(errand);
		walk_landed(&collect->walks, walk, offset, false, -1);
		return;
	}
	*errand = (struct errand_ahead){.collect = collect, .walk = walk, .offset = offset};
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

/* The window that is asked for. False: none that walks. */
static bool read_window(const struct request *r, int64_t *ret_offset, int64_t *ret_limit)
{
	struct paging paging;

	if (!paging_read(&paging, r->target.query, r->target.query ? r->target.query_size : 0))
		return false;
	if (paging.limit < -1 || paging.offset < -1 || paging.page < -1)
		return false;
	*ret_limit = paging.limit <= 0 ? PAGING_DEFAULT : paging.limit > PAGING_MAX ? PAGING_MAX : paging.limit;
	*ret_offset = paging.offset >= 0 ? paging.offset : paging.page > 0 ? (paging.page - 1) * *ret_limit : 0;
	return true;
}

/* The length of the list, as an answer says that is there. */
static int64_t total_of(struct request *page, const struct entry *entry)
{
	return entry ? splice_total(page->target.format, entry->body->data, entry->body->size) : -1;
}

void read_ahead_begin(struct collect *collect, struct request *r)
{
	int64_t offset, limit;

	if (!can_walk(r) || !read_window(r, &offset, &limit))
		return;
	r->walk = walk_key(r, limit);
	if (r->walk)
		r->walks_alone = walk_begin(&collect->walks, r->walk);
}

void read_ahead_end(struct collect *collect, const struct request *r)
{
	walk_end(&collect->walks, r->walk);
}

void read_ahead(struct collect *collect, const struct request *r)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	CLEANUP(entry_unrefp) struct entry *entry = NULL;
	struct walk_ahead ahead;
	struct walk_page_asked asked = {.now_us = clock_monotonic_us(), .alone = r->walks_alone};

	if (!r->walk || !read_window(r, &asked.offset, &asked.limit))
		return;
	entry = cache_peek(collect->flow->cache, &r->key);
	asked.hit = entry != NULL;
	asked.total = total_of((struct request *)r, entry);
	walk_note(&collect->walks, r->walk, &asked, (unsigned)r->conf->collections.read_ahead, &ahead);
	if (ahead.count == 0 || join_fields_copy(&fields, r) < 0)
		return;
	for (size_t i = 0; i < ahead.count; i++)
		fetch(collect, r, &fields, r->walk, ahead.offsets[i], asked.limit);
}
