#include "collect/join_inside.h"

#include "base/clock.h"
#include "base/http_date.h"
#include "base/log.h"
#include "redmine/redact.h"

#include <errno.h>

#define TARGET_SHOWN 512
#define TARGET_KEPT  2048
#define HEAD_LIMIT   (64 * 1024)
#define LINES        "application/x-ndjson"

/* Fields of a page that are not the list's. */
static const char *const of_the_page[] = {
        "ETag", "Last-Modified", "Content-Length", "Age", "X-Request-Id", "X-Runtime"};

static int note_first(struct join *j, const struct inner_answer *page, struct entry *entry)
{
	j->model = entry ? entry_ref(entry) : NULL;
	if (fields_copy(&j->answer_fields, page->fields) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(of_the_page); i++)
		fields_remove(&j->answer_fields, of_the_page[i]);
	return j->wish.lines ? fields_set(&j->answer_fields, "Content-Type", LINES) : 0;
}

/* When the page was made, by Redmine's clock where it says so. */
static int64_t made_ms(const struct inner_answer *page, const struct entry *entry)
{
	int64_t now_ms = clock_wall_ms(), date_ms = http_date_ms(fields_get(page->fields, "Date"), now_ms);

	if (date_ms >= 0)
		return date_ms;
	return entry ? entry->born_ms - entry->age_ms : now_ms;
}

int join_note_page(struct join *j, const struct inner_answer *page, bool first)
{
	struct entry *entry = page->request->answer.kind == ANSWER_ENTRY ? page->request->answer.entry : NULL;

	if (first && note_first(j, page, entry) < 0)
		return -ENOMEM;
	if (made_ms(page, entry) < j->since_ms)
		j->since_ms = made_ms(page, entry);
	if (!entry) {
		j->unshared = true;
		return 0;
	}
	j->linked |= (entry->flags & ENTRY_LINKS) != 0;
	j->unkept |= entry->fresh_until_ms <= entry->born_ms;
	if (page->request->answer.cache.stale)
		j->stale_detail = page->request->answer.cache.detail;
	if (entry->fresh_until_ms < j->fresh_until_ms)
		j->fresh_until_ms = entry->fresh_until_ms;
	return 0;
}

/* Cache-Status: the pages were asked for, or what was stored of some is old, as far as is known when it is said. */
static void set_cache_status(struct join *j, struct cache_status *cache)
{
	cache->forward = j->r->why;
	if (!j->stale_detail)
		return;
	cache->stale = true;
	cache->detail = j->stale_detail;
	cache->ttl_ms = j->fresh_until_ms - clock_wall_ms();
}

static void deliver(struct join *j)
{
	struct request *r = TAKE(j->r);

	flow_resume(r, STEP_DELIVER);
	request_unref(r);
}

/* Bytes of the answer on their way to the client, links led back. data NULL: the end. */
static int send_on(struct join *j, const char *data, size_t size)
{
	CLEANUP(buf_release) struct buf led = BUF_INIT(SIZE_MAX / 4);
	int r;

	if (!j->links)
		return size > 0 ? pipe_push(&j->pipe, data, size) : 0;
	r = data ? links_feed(j->links, data, size, &led) : links_finish(j->links, &led);
	return r == 0 && led.size > 0 ? pipe_push(&j->pipe, led.data, led.size) : r;
}

/* The head of a stream; what is kept so far goes first. */
static int start_stream(struct join *j)
{
	const struct origin *origin = j->collect->flow->origin;
	struct request *r = j->r;
	int result;

	if (strcmp(origin->base, r->base) != 0) {
		j->links = links_new(j->format, origin->base, r->base);
		if (!j->links)
			return -ENOMEM;
	}
	if (fields_copy(&r->answer.fields, &j->answer_fields) < 0)
		return -ENOMEM;
	result = j->kept.size > 0 ? send_on(j, j->kept.data, j->kept.size) : 0;
	if (result < 0)
		return result;
	r->answer.kind = ANSWER_STREAM;
	r->answer.status = 200;
	r->answer.length = -1;
	set_cache_status(j, &r->answer.cache);
	r->answer.stream = (struct stream){.ops = &join_stream, .owner = j};
	atomic_fetch_add(&j->refs, 1);
	j->streams = true;
	deliver(j);
	return 0;
}

/* The whole is larger than what is kept. */
static int outgrow(struct join *j)
{
	if (j->whole && j->r->inner_limit > 0)
		return -EFBIG;
	j->keeps = false;
	if (j->whole && request_is_head(j->r))
		j->counts_only = true;
	else if (j->whole) {
		int r = start_stream(j);

		if (r < 0)
			return r;
	}
	buf_release(&j->kept);
	return 0;
}

static int emit(struct join *j, const char *data, size_t size)
{
	int r;

	j->length += size;
	if (j->keeps) {
		r = buf_add(&j->kept, data, size);
		if (r < 0 && (r = outgrow(j)) < 0)
			return r;
	}
	return j->streams ? send_on(j, data, size) : 0;
}

static int emit_buf(struct join *j, const struct buf *buf)
{
	return buf->size > 0 ? emit(j, buf->data, buf->size) : 0;
}

/* What stands before the rows. In XML that holds the counts: as Redmine says them with the first page. */
static int begin(struct join *j, const struct splice *splice)
{
	CLEANUP(buf_release) struct buf head = BUF_INIT(HEAD_LIMIT);
	int64_t total = j->plan.total, rows = total - j->wish.offset;
	int64_t metas[SPLICE_METAS];
	int r;

	if (rows > j->wish.rows)
		rows = j->wish.rows;
	metas[SPLICE_TOTAL] = total;
	metas[SPLICE_OFFSET] = j->wish.offset;
	metas[SPLICE_LIMIT] = rows < 0 ? 0 : rows;
	if (fields_set(&j->answer_fields, ROWS_FIELD, j->wish.fixed && !j->plan.counted ? "exact" : "checked") < 0)
		return -ENOMEM;
	j->begun = true;
	if (!j->whole && (r = start_stream(j)) < 0)
		return r;
	if (j->wish.lines)
		return 0;
	r = splice_head(splice, metas, &head);
	return r < 0 ? r : emit_buf(j, &head);
}

static int emit_line(struct join *j, const struct splice_row *row)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT(SIZE_MAX / 4);

	if (buf_add(&line, row->text, row->size) < 0 || buf_add_char(&line, '\n') < 0)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < line.size; i++) { /* white space between members: a string has no such byte */
		char *end = memchr(line.data + i, '\n', line.size - 1 - i);

		if (!end)
			break;
		*end = ' ';
		i = (size_t)(end - line.data);
	}
	return emit_buf(j, &line);
}

/* Rows that stand together leave together, with what is between them. */
static int emit_run(struct join *j, const struct splice_row *first, const struct splice_row *last)
{
	int r = 0;

	if (j->wrote && j->format == TARGET_FORMAT_JSON)
		r = emit(j, ",", 1);
	j->wrote = true;
	return r < 0 ? r : emit(j, first->text, (size_t)(last->text + last->size - first->text));
}

static int emit_rows(struct join *j, const struct splice *splice)
{
	const struct splice_row *rows = splice->rows;
	int r = 0;

	for (size_t i = 0; i < splice->count && r == 0; i++) {
		size_t from = i;

		if (rows[i].size == 0)
			continue;
		if (j->wish.lines) {
			r = emit_line(j, &rows[i]);
			continue;
		}
		while (i + 1 < splice->count && rows[i + 1].size > 0)
			i++;
		r = emit_run(j, &rows[from], &rows[i]);
	}
	return r;
}

int join_give_rows(struct join *j, struct plan_page *page)
{
	const struct splice *splice = &page->splice;
	int64_t metas[SPLICE_METAS] = {-1, -1, -1};
	int r;

	if (!j->begun && (r = begin(j, splice)) < 0)
		return r;
	r = emit_rows(j, splice);
	if (r < 0 || j->wish.lines)
		return r;
	metas[SPLICE_TOTAL] = j->plan.total;
	metas[SPLICE_OFFSET] = j->wish.offset;
	metas[SPLICE_LIMIT] = j->plan.given;
	if (splice->count == 0 && j->tail.size > 0)
		return 0; /* nothing is left below: the tail is that of the one before */
	buf_clear(&j->tail);
	return splice_tail(splice, metas, &j->tail);
}

/* A weak one: with the same bytes it stays the same. */
static int set_etag(struct join *j, struct fields *fields)
{
	uint8_t digest[DIGEST_SIZE];
	char text[40] = "W/\"", *at = text + 3;
	struct digest d;

	digest_start(&d, j->collect->flow->secret);
	digest_add(&d, j->kept.data, j->kept.size);
	digest_end(&d, digest);
	for (size_t i = 0; i < 16; i++, at += 2)
		snprintf(at, 3, "%02x", digest[i]);
	memcpy(at, "\"", 2);
	return fields_set(fields, "ETag", text);
}

static char *shown_target(const struct join *j)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_KEPT * 4);

	return redact_target(j->target, TARGET_KEPT, &shown) < 0 ? NULL : buf_take(&shown, NULL);
}

/* The whole as an entry, as the first page's is but for what is the list's own. NULL: out of memory. */
static struct entry *make_entry(struct join *j, const struct cache_key *key)
{
	CLEANUP(entry_unrefp) struct entry *entry = entry_copy_head(j->model);
	struct blob *body;
	size_t size;
	char *data;

	if (!entry)
		return NULL;
	fields_release(&entry->fields);
	if (fields_copy(&entry->fields, &j->answer_fields) < 0 || set_etag(j, &entry->fields) < 0)
		return NULL;
	data = buf_take(&j->kept, &size);
	body = blob_new(data, size);
	if (!body) {
		free(data);
		return NULL;
	}
	blob_unref(entry->body);
	entry->body = body;
	entry->key = *key;
	free(entry->target);
	entry->target = shown_target(j);
	entry->fresh_until_ms = j->fresh_until_ms;
	if (entry->stale_until_ms < entry->fresh_until_ms)
		entry->stale_until_ms = entry->fresh_until_ms;
	entry->flags &= ~(unsigned)(ENTRY_LINKS | ENTRY_FROM_STORE);
	if (j->linked)
		entry->flags |= ENTRY_LINKS;
	return entry->target ? TAKE(entry) : NULL;
}

/* The answer of a request that waited for the whole, where the whole may not be shared. */
static int answer_alone(struct join *j)
{
	struct answer *answer = &j->r->answer;

	answer->kind = ANSWER_WHOLE;
	answer->status = 200;
	set_cache_status(j, &answer->cache);
	if (request_is_head(j->r))
		answer->length = (int64_t)j->length;
	else {
		buf_release(&answer->body);
		answer->body = j->kept;
		j->kept = BUF_INIT(1);
	}
	return fields_copy(&answer->fields, &j->answer_fields);
}

static int finish_whole(struct join *j, struct entry *entry, bool stored)
{
	struct request *r = j->r;

	if (!entry)
		return answer_alone(j);
	request_answer_entry(r, entry);
	set_cache_status(j, &r->answer.cache);
	r->answer.cache.stored = stored;
	return 0;
}

static int finish(struct join *j)
{
	CLEANUP(entry_unrefp) struct entry *entry = NULL;
	bool stored = false;
	int r = j->wish.lines ? 0 : emit_buf(j, &j->tail);

	if (j->plan.total >= 0)
		totals_note(&j->collect->totals, &j->key, j->plan.total);
	atomic_fetch_add(&j->collect->figures.joined_rows, (unsigned long long)j->plan.given);
	if (r == 0 && j->streams)
		r = send_on(j, NULL, 0);
	if (r < 0)
		return r;
	if (j->keeps && !j->unshared && j->model) {
		entry = make_entry(j, &j->key);
		stored = entry && !j->no_store && !j->unkept && cache_put(j->collect->flow->cache, entry);
	}
	if (j->streams)
		pipe_end(&j->pipe, 0);
	else {
		r = finish_whole(j, entry, stored);
		if (r == 0)
			deliver(j);
	}
	return r;
}

void join_finish(struct join *j)
{
	int r = finish(j);

	if (r == 0 || r == -EPIPE)
		return;
	snprintf(j->why, sizeof(j->why), "ending it: %s", strerror(-r));
	join_fail(j);
}

static void log_failure(const struct join *j)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(TARGET_SHOWN * 4);

	if (redact_target(j->target, TARGET_SHOWN, &shown) == 0)
		log_warn("list %s cut after %lld rows: %s", buf_text(&shown), (long long)j->plan.given, j->why);
}

/* What Redmine said instead of the first page is the answer. */
static void pass_on(struct join *j)
{
	struct answer *answer = &j->r->answer;

	answer->kind = ANSWER_WHOLE;
	answer->status = j->status;
	answer->cache.forward = j->r->why;
	buf_release(&answer->body);
	answer->body = BUF_INIT(SIZE_MAX / 4);
	if (request_is_head(j->r))
		answer->length = (int64_t)j->passed->size;
	else if (buf_add(&answer->body, j->passed->data, j->passed->size) < 0)
		answer->status = 503;
	if (fields_copy(&answer->fields, &j->answer_fields) < 0)
		answer->status = 503;
}

void join_fail(struct join *j)
{
	if (j->streams) {
		atomic_fetch_add(&j->collect->figures.cut, 1);
		log_failure(j);
		pipe_end(&j->pipe, -EIO);
		return;
	}
	if (j->status) {
		pass_on(j);
	} else {
		atomic_fetch_add(&j->collect->figures.cut, 1);
		log_failure(j);
		request_answer_error(j->r, 502, 0, "The list cannot be had whole: %s.", j->why);
	}
	deliver(j);
}
