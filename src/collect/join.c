#include "collect/join_inside.h"

#include "collect/join_fields.h"
#include "redmine/paging.h"

#include <errno.h>
#include <stdarg.h>

#define TRIES        3            /* of one page */
#define PIPE_LIMIT   (512 * 1024) /* bytes that may wait for a slow reader */
#define TARGET_LIMIT (64 * 1024)
/* Bytes of one page of 100 rows: descriptions may be long. */
#define PAGE_LIMIT (64 * 1024 * 1024)

/* A change shows when it is committed, and bears the time when it was made; clocks of several servers differ. */
#define LOOK_BACK_S 120

/* A question under way. */
struct question {
	struct join *j;
	struct plan_page *page;
};

void join_unref(struct join *j)
{
	CHECK(j, JOIN_MAGIC);
	if (atomic_fetch_sub(&j->refs, 1) != 1)
		return;
	plan_release(&j->plan);
	request_unref(j->r);
	entry_unref(j->model);
	blob_unref(j->passed);
	fields_release(&j->fields);
	fields_release(&j->answer_fields);
	buf_release(&j->kept);
	buf_release(&j->tail);
	links_free(j->links);
	pipe_release(&j->pipe);
	pthread_mutex_destroy(&j->lock);
	conf_unref(j->conf);
	free(j->target);
	j->magic = 0;
	free(j);
}

static ssize_t stream_read(void *owner, char *room, size_t size)
{
	struct join *j = owner;
	ssize_t n = pipe_read(&j->pipe, room, size);

	/* The reader goes on itself where it was what the pages waited for. */
	if (atomic_load(&j->held) && pipe_waiting(&j->pipe) < PIPE_LIMIT / 2 && atomic_exchange(&j->held, false))
		join_go_on(j);
	return n;
}

static void stream_listen(void *owner, void (*wake)(void *arg), void *arg)
{
	struct join *j = owner;

	pipe_set_reader(&j->pipe, wake, arg);
}

static void stream_leave(void *owner)
{
	struct join *j = owner;

	pipe_abandon(&j->pipe);
	pthread_mutex_lock(&j->lock);
	j->over = true;
	pthread_mutex_unlock(&j->lock);
	join_go_on(j);
	join_unref(j);
}

const struct stream_ops join_stream = {.read = stream_read, .listen = stream_listen, .leave = stream_leave};

/* Under the lock: what went wrong, said once. */
static void note_failure(struct join *j, const char *format, ...) PRINTF_LIKE(2, 3);
static void note_failure(struct join *j, const char *format, ...)
{
	va_list arguments;

	if (j->failed)
		return;
	va_start(arguments, format);
	vsnprintf(j->why, sizeof(j->why), format, arguments);
	va_end(arguments);
	j->failed = true;
}

/* Under the lock. Is the page the one that the list begins with, for the first time? */
static bool is_first(const struct join *j, const struct plan_page *page)
{
	return !page->look && j->plan.taken == 0 && j->plan.passes == 1 && page == j->plan.first;
}

/* Under the lock. A page that did not come is asked for again, if that may help. */
static void take_failure(struct join *j, struct plan_page *page, const struct inner_answer *answer)
{
	bool first = is_first(j, page), odd = !answer->error && answer->status == 200; /* a 200 that is no list */
	bool final = answer->error == -ESHUTDOWN || answer->error == -ENOMEM || (odd && first) ||
	             (!answer->error && !odd && !answer->own && answer->status < 500 && answer->status != 429);

	if (page->early || (!final && ++page->tries < TRIES)) {
		page->state = PLAN_UNASKED;
		page->fresh = true;
		atomic_fetch_add(&j->collect->figures.retried, 1);
		return;
	}
	if (page->look) {
		plan_give_up_looking(&j->plan, page);
		return;
	}
	if (answer->error)
		note_failure(j, "the page at offset %lld: %s", (long long)page->offset, strerror(-answer->error));
	else
		note_failure(j, "the page at offset %lld: %s %u, asked %u times", (long long)page->offset,
		        odd ? "no list, status" : "status", answer->status, page->tries + final);
	page->state = PLAN_HERE; /* empty: the plan is not asked about it any more */
	if (!first || answer->error || fields_copy(&j->answer_fields, answer->fields) < 0)
		return;
	/* Of the first page there is an answer: it is the list's. */
	j->status = answer->status;
	j->passed = blob_ref(answer->body);
}

/* Under the lock. */
static void take_page(struct join *j, struct plan_page *page, const struct inner_answer *answer, struct splice *splice)
{
	if (!page->look && join_note_page(j, answer, is_first(j, page)) < 0)
		note_failure(j, "out of memory");
	plan_give(page, splice, blob_ref(answer->body));
}

/*
 * Under the lock. Not stored with a limit of 100 rows; perhaps with one of all that was left, as Python-Redmine asks. Redmine
 * gives the same for both.
 */
static void take_miss(struct plan_page *page)
{
	if (page->left > 0 && page->left != PAGING_MAX && page->tries++ == 0)
		page->state = PLAN_UNASKED;
	else
		plan_miss(page);
}

static void told(void *arg, const struct inner_answer *answer)
{
	struct question *question = arg;
	struct join *j = question->j;
	struct splice splice = {0};
	bool good = !answer->error && answer->status == 200 && !answer->own;
	bool stored = question->page->stored;
	int r = -EINVAL;

	CHECK(j, JOIN_MAGIC);
	if (stored && good)
		good = answer->request->answer.cache.hit && !answer->request->answer.cache.stale;
	if (good)
		r = splice_read(&splice, j->format, answer->body->data, answer->body->size, j->wish.typed);
	pthread_mutex_lock(&j->lock);
	j->under_way--;
	if (r == 0) {
		take_page(j, question->page, answer, &splice);
	} else if (stored) {
		take_miss(question->page);
	} else {
		take_failure(j, question->page, answer);
	}
	pthread_mutex_unlock(&j->lock);
	free(question);
	join_go_on(j);
	join_unref(j);
}

static int print_target(struct join *j, const struct plan_page *page, struct buf *out)
{
	const char *query = j->target + j->path_size;

	query += *query == '?';
	if (buf_add(out, j->target, j->path_size) < 0 || buf_add_char(out, '?') < 0)
		return -ENOMEM;
	if (page->look)
		return paging_write_since(
		        query, strlen(query), j->since_ms / 1000 - LOOK_BACK_S, page->below, PAGING_MAX, out);
	if (page->below)
		return paging_write_below(query, strlen(query), page->below, PAGING_MAX, out);
	return paging_write(
	        query, strlen(query), page->offset, page->stored && page->tries > 0 ? page->left : PAGING_MAX, out);
}

/* Cache-Control of the question. */
static const char *how(const struct plan_page *page)
{
	return page->stored ? "only-if-cached, no-transform" : page->fresh ? "no-cache, no-transform" : "no-transform";
}

/* Without the lock. The page comes back by told(). */
static void ask(struct join *j, struct plan_page *page)
{
	CLEANUP(buf_release) struct buf target = BUF_INIT(TARGET_LIMIT);
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct question *question = calloc(1, sizeof(*question));

	if (!question || fields_copy(&fields, &j->fields) < 0 || fields_add(&fields, "Cache-Control", how(page)) < 0 ||
	        print_target(j, page, &target) < 0) {
		free(question);
		pthread_mutex_lock(&j->lock);
		j->under_way--;
		note_failure(j, "out of memory");
		page->state = PLAN_HERE;
		pthread_mutex_unlock(&j->lock);
		return;
	}
	*question = (struct question){.j = j, .page = page};
	atomic_fetch_add(&j->refs, 1);
	if (!page->stored)
		atomic_fetch_add(&j->collect->figures.pages, 1);
	inner_unref(inner_start(&(struct inner_question){
	        .flow = j->collect->flow,
	        .conf = j->conf,
	        .session = j->session,
	        .target = target.data,
	        .fields = &fields,
	        .rank = j->rank,
	        .limit = PAGE_LIMIT,
	        .told = told,
	        .arg = question,
	}));
}

/* The reader takes too little: nothing more is made until it took some. */
static bool is_held(struct join *j)
{
	if (!j->streams || pipe_waiting(&j->pipe) < PIPE_LIMIT)
		return false;
	atomic_store(&j->held, true);
	/* It may have taken all between the two. */
	return pipe_waiting(&j->pipe) >= PIPE_LIMIT / 2 || !atomic_exchange(&j->held, false);
}

/* Under the lock, which is given up meanwhile. */
static void ask_pages(struct join *j)
{
	struct plan_page *page;

	while (!j->over && !j->failed && j->under_way < j->width && (page = plan_ask(&j->plan))) {
		j->under_way++;
		pthread_mutex_unlock(&j->lock);
		ask(j, page);
		pthread_mutex_lock(&j->lock);
	}
}

/* Under the lock, which is given up meanwhile. True: there may be more to do. */
static bool step(struct join *j)
{
	struct plan_page *page = NULL;
	int verdict = j->failed ? PLAN_FAILED : plan_take(&j->plan, &page);
	int r = 0;

	switch (verdict) {
	case PLAN_ROWS:
		pthread_mutex_unlock(&j->lock);
		r = join_give_rows(j, page);
		plan_page_free(page);
		pthread_mutex_lock(&j->lock);
		if (r == -EPIPE)
			j->over = true; /* the client left */
		else if (r < 0)
			note_failure(j, "giving out rows: %s", strerror(-r));
		return !j->over;
	case PLAN_WAIT:
	case PLAN_AGAIN:
		return false;
	case PLAN_DONE:
		j->over = true;
		pthread_mutex_unlock(&j->lock);
		join_finish(j);
		pthread_mutex_lock(&j->lock);
		return false;
	case PLAN_FAILED:
		note_failure(j, "%s", j->plan.why);
		break;
	default:
		note_failure(j, "%s", strerror(-verdict));
		break;
	}
	j->over = true;
	pthread_mutex_unlock(&j->lock);
	join_fail(j);
	pthread_mutex_lock(&j->lock);
	return false;
}

void join_go_on(struct join *j)
{
	CHECK(j, JOIN_MAGIC);
	pthread_mutex_lock(&j->lock);
	j->again = true;
	if (j->busy) {
		pthread_mutex_unlock(&j->lock);
		return;
	}
	j->busy = true;
	while (j->again && !j->over) {
		j->again = false;
		if (is_held(j))
			continue;
		ask_pages(j);
		if (!j->over && step(j))
			j->again = true;
		ask_pages(j);
	}
	j->busy = false;
	pthread_mutex_unlock(&j->lock);
}

static void drop_load(void *load)
{
	blob_unref(load);
}

/*
 * How long the list is expected to be: as it was lately; one that nothing is known of is longer than a page, or nobody
 * would ask for it in this way.
 */
static int64_t expected_rows(struct collect *collect, const struct request *r)
{
	int64_t rows = totals_find(&collect->totals, &r->key);

	return rows < 0 ? PAGING_MAX + 1 : rows;
}

static unsigned width(const struct request *r)
{
	if (r->preferences.workers > 0)
		return (unsigned)r->preferences.workers;
	if (r->session && r->session->workers > 0)
		return (unsigned)r->session->workers;
	return (unsigned)r->conf->collections.workers;
}

static struct join *join_new(struct collect *collect, struct request *r, const struct wish *wish)
{
	struct join *j = calloc(1, sizeof(*j));
	struct plan_settings settings = {.offset = wish->offset,
	        .rows = wish->rows,
	        .expected = expected_rows(collect, r),
	        .width = width(r) + width(r) / 4,
	        .fixed = wish->fixed,
	        .falling = wish->falling,
	        .keyset = wish->keyset,
	        .looks = wish->looks,
	        .stored = !r->directives.no_cache && !r->directives.no_store && r->directives.max_age != 0,
	        .drop = drop_load};

	if (!j)
		return NULL;
	j->magic = JOIN_MAGIC;
	atomic_init(&j->refs, 1);
	j->collect = collect;
	j->wish = *wish;
	j->conf = conf_ref(r->conf);
	j->session = r->session;
	j->target = strdup(r->raw_target);
	j->path_size = strcspn(r->raw_target, "?");
	j->format = r->target.format;
	j->rank = r->rank;
	j->width = width(r);
	j->key = r->key;
	j->no_store = r->directives.no_store;
	j->r = request_ref(r);
	j->whole = request_is_head(r) || r->inner_limit > 0 || fields_get(&r->fields, "If-None-Match");
	j->keeps = true;
	j->kept = BUF_INIT(r->inner_limit > 0 ? r->inner_limit : r->conf->cache.object_limit);
	j->fresh_until_ms = j->since_ms = INT64_MAX;
	j->tail = BUF_INIT(TARGET_LIMIT);
	pthread_mutex_init(&j->lock, NULL);
	pipe_init(&j->pipe, PIPE_LIMIT);
	plan_init(&j->plan, &settings);
	if (!j->target || join_fields_copy(&j->fields, r) < 0) {
		join_unref(j);
		return NULL;
	}
	return j;
}

void join_start(struct collect *collect, struct request *r, const struct wish *wish)
{
	struct join *j = join_new(collect, r, wish);

	if (!j) {
		request_answer_error(r, 503, 1, "Out of memory.");
		flow_resume(r, STEP_DELIVER);
		return;
	}
	atomic_fetch_add(&collect->figures.joined, 1);
	join_go_on(j);
	join_unref(j);
}
