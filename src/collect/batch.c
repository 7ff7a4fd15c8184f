#include "collect/batch.h"

#include "flow/inner.h"
#include "redmine/json.h"

#include <errno.h>

#define PIPE_LIMIT (512 * 1024) /* bytes that may wait for a slow reader */

enum reply_state { REPLY_UNASKED, REPLY_ASKED, REPLY_HERE };

/* What came of one item. */
struct batch_reply {
	struct batch_run *run;
	size_t first;  /* the item that asks the same: itself, or one before it */
	size_t wanted; /* by so many items */
	size_t charge; /* bytes of batch_held that are its */
	bool in_place; /* ... or it is in the run's own place */
	enum reply_state state;
	int error;
	unsigned status;
	struct fields fields;
	struct blob *body;
};

struct batch_run {
	unsigned magic;
#define BATCH_MAGIC 0xba7c4000
	atomic_uint refs;
	struct collect *collect;
	struct conf *conf;
	struct request_door door;
	char *authority;
	bool secure;
	unsigned width;
	size_t answer_limit; /* bytes of one */
	bool placed;         /* its own place is in batch_held */
	struct batch batch;
	struct batch_reply *replies;
	struct pipe pipe;

	pthread_mutex_t lock; /* guards the rest, and the replies */
	size_t next, given;   /* to be asked; to be written */
	unsigned under_way;
	bool place_free; /* for one answer, kept from the start on: with it the run ends however full it is */
	bool busy, again, over;
	atomic_bool held;
};

void batch_release(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		free(batch->items[i].target);
		fields_release(&batch->items[i].fields);
	}
	free(batch->items);
	*batch = (struct batch){0};
}

static bool reserve(const struct batch_run *run, size_t size)
{
	size_t held = atomic_load(&run->collect->batch_held);

	do {
		if (held + size > run->conf->collections.batch_memory)
			return false;
	} while (!atomic_compare_exchange_weak(&run->collect->batch_held, &held, held + size));
	return true;
}

static void give_back(const struct batch_run *run, size_t size)
{
	atomic_fetch_sub(&run->collect->batch_held, size);
}

/* Under the lock: room for an answer that is to be asked. */
static bool charge(struct batch_run *run, struct batch_reply *reply)
{
	if (reserve(run, run->answer_limit)) {
		reply->charge = run->answer_limit;
		return true;
	}
	if (!run->place_free)
		return false;
	run->place_free = false;
	reply->in_place = true;
	return true;
}

/* Under the lock: it came, and is as large as it is. */
static void settle(struct batch_run *run, struct batch_reply *reply)
{
	size_t size = reply->body ? reply->body->size : 0;

	if (reply->in_place && reserve(run, size)) {
		run->place_free = true;
		reply->in_place = false;
		reply->charge = size;
	} else if (!reply->in_place && size < reply->charge) {
		give_back(run, reply->charge - size);
		reply->charge = size;
	}
}

/* Under the lock, or where nobody else knows the run. */
static void forget(struct batch_reply *reply)
{
	give_back(reply->run, reply->charge);
	reply->charge = 0;
	reply->run->place_free |= reply->in_place;
	reply->in_place = false;
	fields_release(&reply->fields);
	blob_unref(reply->body);
	reply->body = NULL;
}

static void run_unref(struct batch_run *run)
{
	CHECK(run, BATCH_MAGIC);
	if (atomic_fetch_sub(&run->refs, 1) != 1)
		return;
	for (size_t i = 0; run->replies && i < run->batch.count; i++)
		if (run->replies[i].run)
			forget(&run->replies[i]);
	if (run->placed)
		give_back(run, run->answer_limit);
	free(run->replies);
	batch_release(&run->batch);
	pipe_release(&run->pipe);
	pthread_mutex_destroy(&run->lock);
	conf_unref(run->conf);
	free(run->authority);
	run->magic = 0;
	free(run);
}

static void go_on(struct batch_run *run);

static void told(void *arg, const struct inner_answer *answer)
{
	struct batch_reply *reply = arg;
	struct batch_run *run = reply->run;

	CHECK(run, BATCH_MAGIC);
	pthread_mutex_lock(&run->lock);
	run->under_way--;
	reply->state = REPLY_HERE;
	reply->error = answer->error;
	reply->status = answer->status;
	if (!answer->error) {
		reply->body = blob_ref(answer->body);
		if (fields_copy(&reply->fields, answer->fields) < 0)
			reply->error = -ENOMEM;
	}
	settle(run, reply);
	pthread_mutex_unlock(&run->lock);
	go_on(run);
	run_unref(run);
}

static void ask(struct batch_run *run, size_t index)
{
	const struct batch_item *item = &run->batch.items[index];

	atomic_fetch_add(&run->refs, 1);
	inner_unref(inner_start(&(struct inner_question){
	        .flow = run->collect->flow,
	        .conf = run->conf,
	        .target = item->target,
	        .fields = &item->fields,
	        .authority = run->authority,
	        .secure = run->secure,
	        .door = &run->door,
	        .rank = JOB_INTERACTIVE,
	        .limit = run->answer_limit,
	        .told = told,
	        .arg = &run->replies[index],
	}));
}

static int add_headers(const struct fields *fields, struct buf *out)
{
	int r = buf_add_text(out, ",\"headers\":{");

	for (size_t i = 0; i < fields->count && r == 0; i++) {
		const struct field *field = &fields->items[i];

		if (i > 0)
			r = buf_add_char(out, ',');
		if (r == 0)
			r = json_add_string(field->name, strlen(field->name), out);
		if (r == 0)
			r = buf_add_char(out, ':');
		/* A field's bytes are no text of a known coding. */
		if (r == 0)
			r = json_is_utf8(field->value, strlen(field->value))
			            ? json_add_string(field->value, strlen(field->value), out)
			            : json_add_base64(field->value, strlen(field->value), out);
	}
	return r < 0 ? r : buf_add_char(out, '}');
}

/* JSON as it is; other text as a string; bytes that are no text in base64, under a name of its own. */
static int add_body(const struct batch_reply *reply, struct buf *out)
{
	const char *type = fields_get(&reply->fields, "Content-Type");
	const struct blob *body = reply->body;
	int r;

	if (body->size == 0)
		return buf_add_text(out, ",\"body\":null}");
	if (type && strcasestr(type, "json") && json_is_value(body->data, body->size)) {
		r = buf_add_text(out, ",\"body\":");
		if (r == 0)
			r = buf_add(out, body->data, body->size);
	} else if (json_is_utf8(body->data, body->size)) {
		r = buf_add_text(out, ",\"body\":");
		if (r == 0)
			r = json_add_string(body->data, body->size, out);
	} else {
		r = buf_add_text(out, ",\"body_base64\":");
		if (r == 0)
			r = json_add_base64(body->data, body->size, out);
	}
	return r < 0 ? r : buf_add_char(out, '}');
}

/* Without the lock. */
static int write_reply(struct batch_run *run, size_t index, const struct batch_reply *reply)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(SIZE_MAX / 4);
	int r = buf_add_text(&out, index > 0 ? "," : "{\"responses\":[");

	if (r == 0 && reply->error)
		r = buf_printf(&out, "{\"status\":%u,\"headers\":{},\"body\":{\"errors\":[\"%s\"]}}",
		        reply->error == -EFBIG ? 502 : 503,
		        reply->error == -EFBIG   ? "The answer is too large for a batch."
		        : reply->error == -EBUSY ? "Batches hold as much as they may (collections.batch_memory)."
		                                 : "It could not be asked.");
	else if (r == 0) {
		r = buf_printf(&out, "{\"status\":%u", reply->status);
		if (r == 0)
			r = add_headers(&reply->fields, &out);
		if (r == 0)
			r = add_body(reply, &out);
	}
	if (r == 0 && index + 1 == run->batch.count)
		r = buf_add_text(&out, "]}");
	return r < 0 ? r : pipe_push(&run->pipe, out.data, out.size);
}

/* Under the lock, given up meanwhile: the next item's answer, if it is there. True: there may be more. */
static bool give_one(struct batch_run *run)
{
	size_t index = run->given;
	struct batch_reply *reply;
	int r;

	if (index == run->batch.count) {
		run->over = true;
		pipe_end(&run->pipe, 0);
		return false;
	}
	reply = &run->replies[run->replies[index].first];
	if (reply->state != REPLY_HERE)
		return false;
	run->given++;
	pthread_mutex_unlock(&run->lock);
	r = write_reply(run, index, reply);
	pthread_mutex_lock(&run->lock);
	if (--reply->wanted == 0)
		forget(reply);
	if (r < 0) {
		run->over = true;
		pipe_end(&run->pipe, r);
	}
	return r == 0;
}

/* Under the lock, given up meanwhile. */
static void ask_more(struct batch_run *run)
{
	while (!run->over && run->next < run->batch.count && run->under_way < run->width &&
	        run->next < run->given + 2 * run->width) {
		size_t index = run->next;
		struct batch_reply *reply = &run->replies[index];

		if (reply->first != index) {
			run->next++;
			continue;
		}
		if (!charge(run, reply)) {
			if (index != run->given)
				return; /* what is before it makes room */
			run->next++;
			reply->state = REPLY_HERE;
			reply->error = -EBUSY;
			continue;
		}
		run->next++;
		reply->state = REPLY_ASKED;
		run->under_way++;
		pthread_mutex_unlock(&run->lock);
		ask(run, index);
		pthread_mutex_lock(&run->lock);
	}
}

static bool is_held(struct batch_run *run)
{
	if (pipe_waiting(&run->pipe) < PIPE_LIMIT)
		return false;
	atomic_store(&run->held, true);
	/* The reader may have taken all between the two. */
	return pipe_waiting(&run->pipe) >= PIPE_LIMIT / 2 || !atomic_exchange(&run->held, false);
}

/* One thread at a time; what happens meanwhile makes it look again. */
static void go_on(struct batch_run *run)
{
	pthread_mutex_lock(&run->lock);
	run->again = true;
	if (run->busy) {
		pthread_mutex_unlock(&run->lock);
		return;
	}
	run->busy = true;
	while (run->again && !run->over) {
		run->again = false;
		if (is_held(run))
			continue;
		ask_more(run);
		if (!run->over && give_one(run))
			run->again = true;
	}
	run->busy = false;
	pthread_mutex_unlock(&run->lock);
}

static ssize_t stream_read(void *owner, char *room, size_t size)
{
	struct batch_run *run = owner;
	ssize_t n = pipe_read(&run->pipe, room, size);

	if (atomic_load(&run->held) && pipe_waiting(&run->pipe) < PIPE_LIMIT / 2 && atomic_exchange(&run->held, false))
		go_on(run);
	return n;
}

static void stream_listen(void *owner, void (*wake)(void *arg), void *arg)
{
	struct batch_run *run = owner;

	pipe_set_reader(&run->pipe, wake, arg);
}

static void stream_leave(void *owner)
{
	struct batch_run *run = owner;

	pipe_abandon(&run->pipe);
	pthread_mutex_lock(&run->lock);
	run->over = true;
	pthread_mutex_unlock(&run->lock);
	run_unref(run);
}

static const struct stream_ops batch_stream = {.read = stream_read, .listen = stream_listen, .leave = stream_leave};

static bool fields_equal(const struct fields *a, const struct fields *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!field_name_is(a->items[i].name, b->items[i].name) ||
		        strcmp(a->items[i].value, b->items[i].value) != 0)
			return false;
	return true;
}

static void find_equal(struct batch_run *run)
{
	const struct batch_item *items = run->batch.items;

	for (size_t i = 0; i < run->batch.count; i++) {
		size_t first = 0;

		while (strcmp(items[first].target, items[i].target) != 0 ||
		        !fields_equal(&items[first].fields, &items[i].fields))
			first++;
		run->replies[i].run = run;
		run->replies[i].first = first;
		run->replies[first].wanted++;
	}
}

static struct batch_run *run_new(struct collect *collect, const struct request *r, struct batch *batch)
{
	struct batch_run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->magic = BATCH_MAGIC;
	atomic_init(&run->refs, 1);
	run->collect = collect;
	run->conf = conf_ref(r->conf);
	run->door = r->door;
	run->secure = r->secure;
	run->width = (unsigned)(r->preferences.workers > 0 ? r->preferences.workers : r->conf->collections.workers);
	run->answer_limit = (size_t)(r->conf->cache.object_limit < r->conf->collections.batch_memory
	                                     ? r->conf->cache.object_limit
	                                     : r->conf->collections.batch_memory);
	run->authority = r->authority ? strdup(r->authority) : NULL;
	run->batch = *batch;
	*batch = (struct batch){0};
	run->replies = calloc(run->batch.count, sizeof(*run->replies));
	pthread_mutex_init(&run->lock, NULL);
	pipe_init(&run->pipe, PIPE_LIMIT);
	if (!run->replies || (r->authority && !run->authority)) {
		run_unref(run);
		return NULL;
	}
	find_equal(run);
	run->placed = run->place_free = reserve(run, run->answer_limit);
	return run;
}

void batch_start(struct collect *collect, struct request *r, struct batch *batch)
{
	struct batch_run *run = run_new(collect, r, batch);

	r->parked = true;
	r->front->park(r);
	if (!run || !run->placed) {
		request_answer_error(r, 503, 1,
		        run ? "Batches hold as much as they may (collections.batch_memory)." : "Out of memory.");
		if (run)
			run_unref(run);
		flow_resume(r, STEP_DELIVER);
		return;
	}
	atomic_fetch_add(&collect->figures.batches, 1);
	atomic_fetch_add(&collect->figures.batched, run->batch.count);
	r->answer.kind = ANSWER_STREAM;
	r->answer.status = 200;
	r->answer.length = -1;
	r->answer.stream = (struct stream){.ops = &batch_stream, .owner = run};
	if (fields_add(&r->answer.fields, "Content-Type", "application/json; charset=utf-8") < 0 ||
	        fields_add(&r->answer.fields, "Cache-Control", "no-store") < 0)
		request_answer_error(r, 503, 1, "Out of memory.");
	atomic_fetch_add(&run->refs, 1);
	flow_resume(r, STEP_DELIVER);
	go_on(run);
	run_unref(run);
}
