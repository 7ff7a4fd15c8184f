#include "kit.h"

struct conf *kit_conf(const char *const *settings)
{
	const char *overrides[32] = {"upstream.url=" KIT_ORIGIN, "cache.path="};
	struct conf_source source = {
	        .overrides = overrides,
	        .override_count = 2,
	        .resource_known = resource_name_known,
	        .resource_names = resource_names(),
	        .engine_known = engine_known,
	        .engine_names = engine_names(),
	};
	struct fail fail = {0};
	struct conf *conf;

	for (; settings && *settings; settings++)
		overrides[source.override_count++] = *settings;
	ck_assert_msg(conf_load(&source, &conf, &fail) == 0, "%s", fail.text);
	return conf;
}

static void take_jobs(struct engine *engine, struct job *const *jobs, size_t count)
{
	struct kit *kit = engine->own;

	for (size_t i = 0; i < count; i++) {
		if (kit->refuses) {
			base_refuse(engine, jobs[i], "the queue is full");
			continue;
		}
		ck_assert_uint_lt(kit->job_count, KIT_JOBS);
		kit->jobs[kit->job_count++] = jobs[i];
	}
}

static const struct engine_ops noting = {
        .abi = ENGINE_ABI, .name = "noting", .workers_max = 1, .process_bulk_request = take_jobs};

static struct engine *noting_engine(struct kit *kit)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	ck_assert_ptr_nonnull(engine);
	*engine = (struct engine){.magic = ENGINE_MAGIC,
	        .ops = &noting,
	        .own = kit,
	        .allowed = KIT_JOBS,
	        .settings = {.workers = KIT_JOBS}};
	job_queue_init(&engine->queue, 1);
	return engine;
}

void kit_make(struct kit *kit, const struct kit_options *options)
{
	struct cache_settings settings = {
	        .store = options ? options->store : NULL,
	        .store_settings = {.path = options && options->store ? "unused" : "", .size_limit = 1 << 20},
	        .memory_limit = 16 * 1024 * 1024,
	};
	struct fail fail = {0};

	*kit = (struct kit){.engines = engines_new(0)};
	ck_assert_int_eq(engines_add(kit->engines, noting_engine(kit), true), 0);
	digest_secret_random(&kit->secret);
	kit->conf = kit_conf(options ? options->settings : NULL);
	ck_assert_int_eq(
	        origin_init(&kit->origin, options && options->origin ? options->origin : KIT_ORIGIN, &fail), 0);
	ck_assert_msg(cache_new(&settings, &kit->cache, &fail) == 0, "%s", fail.text);
	ck_assert_int_eq(flow_init(&kit->flow, kit->cache, kit->engines, &kit->origin, &kit->secret), 0);
}

void kit_clear(struct kit *kit)
{
	ck_assert_uint_eq(kit_open(kit), 0);
	flow_release(&kit->flow);
	cache_free(kit->cache, 1000);
	origin_release(&kit->origin);
	conf_unref(kit->conf);
	engines_free(kit->engines);
	clock_set_offset_ms(0);
}

static void on_park(struct request *r)
{
	struct client *client = r->visit;

	atomic_fetch_add(&client->parked, 1);
	if (client->on_park)
		client->on_park(client);
}

static void on_ready(struct request *r)
{
	struct client *client = r->visit;

	ck_assert_int_eq(atomic_load(&client->parked), 1);
	atomic_fetch_add(&client->readied, 1);
}

static void on_interim(struct request *r, unsigned status, const char *reason, const struct fields *fields)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(sizeof(((struct client *)NULL)->interims) - 1);
	struct client *client = r->visit;

	ck_assert_int_eq(atomic_load(&client->parked), 1);
	ck_assert_int_eq(atomic_load(&client->readied), 0);
	ck_assert_int_eq(buf_printf(&text, "%s%u %s\r\n", client->interims, status, reason), 0);
	ck_assert_int_eq(fields_print(fields, &text), 0);
	snprintf(client->interims, sizeof(client->interims), "%s", buf_text(&text));
}

static const struct request_front front = {.park = on_park, .ready = on_ready, .interim = on_interim};

void client_prepare(struct client *client, struct kit *kit, const char *method, const char *target, const char *fields)
{
	*client = (struct client){.on_park = client->on_park, .arg = client->arg};
	client->r = request_new(&front, client, kit->conf, method, target);
	ck_assert_ptr_nonnull(client->r);
	if (fields)
		ck_assert_int_eq(fields_parse(&client->r->fields, fields, strlen(fields)), 0);
	client->r->authority = strdup(KIT_AUTHORITY);
}

void client_start(struct client *client, struct kit *kit)
{
	client->at_once = flow_start(&kit->flow, client->r);
	ck_assert_int_eq(atomic_load(&client->parked), !client->at_once);
}

void client_ask(struct client *client, struct kit *kit, const char *method, const char *target, const char *fields)
{
	*client = (struct client){0};
	client_prepare(client, kit, method, target, fields);
	client_start(client, kit);
}

void client_send(struct client *client, struct kit *kit, const char *method, const char *target, const char *fields,
        const char *body)
{
	*client = (struct client){0};
	client_prepare(client, kit, method, target, fields);
	client->r->has_body = true;
	client->r->body_size = (int64_t)strlen(body);
	ck_assert_int_eq(pipe_push(&client->r->upload, body, strlen(body)), 0);
	pipe_end(&client->r->upload, 0);
	client_start(client, kit);
}

void client_leave(struct client *client)
{
	pipe_end(&client->r->upload, -ECONNRESET);
	if (client->r->answer.kind == ANSWER_STREAM)
		answer_release(&client->r->answer); /* as the front: the fetch of a stream is left at once */
	request_unref(client->r);
	client->r = NULL;
}

void client_assert_ready(struct client *client)
{
	ck_assert(client->at_once || atomic_load(&client->readied) == 1);
	ck_assert_int_eq(atomic_load(&client->readied), !client->at_once);
	ck_assert_int_ne(client->r->answer.kind, ANSWER_NONE);
}

void client_assert_waits(struct client *client)
{
	ck_assert(!client->at_once);
	ck_assert_int_eq(atomic_load(&client->readied), 0);
}

static void assert_cache(struct client *client, const char *expected)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(1000);
	const char *ttl;

	ck_assert_int_eq(cache_status_print(&client->r->answer.cache, &text), 0);
	ttl = strstr(text.data, "; ttl=");
	if (ttl) {
		size_t size = 6 + strspn(ttl + 6, "-0123456789");

		memmove(text.data + (ttl - text.data), ttl + size, strlen(ttl + size) + 1);
	}
	ck_assert_str_eq(text.data + strlen(CACHE_STATUS_NAME), expected);
}

static void read_stream(struct client *client, struct buf *body)
{
	char room[4096];
	ssize_t n;

	while ((n = answer_read(&client->r->answer, room, sizeof(room))) > 0)
		ck_assert_int_eq(buf_add(body, room, (size_t)n), 0);
	ck_assert_int_eq(n, 0);
}

void client_assert_answer(struct client *client, unsigned status, const char *cache, const char *body)
{
	struct answer *answer = &client->r->answer;
	CLEANUP(buf_release) struct buf text = BUF_INIT(64 * 1024 * 1024);

	client_assert_ready(client);
	ck_assert_uint_eq(answer->status, status);
	assert_cache(client, cache);
	if (answer->kind == ANSWER_ENTRY)
		ck_assert_int_eq(buf_add(&text, answer->entry->body->data ? answer->entry->body->data : "",
		                         answer->entry->body->size),
		        0);
	else if (answer->kind == ANSWER_STREAM)
		read_stream(client, &text);
	else
		ck_assert_int_eq(buf_add(&text, buf_text(&answer->body), answer->body.size), 0);
	if (body)
		ck_assert_str_eq(buf_text(&text), body);
}

const char *client_field(struct client *client, const char *name)
{
	const struct answer *answer = &client->r->answer;

	return fields_get(answer->kind == ANSWER_ENTRY ? &answer->entry->fields : &answer->fields, name);
}

void kit_store(struct kit *kit, const char *target, const char *fields, const char *body)
{
	struct client client;

	client_ask(&client, kit, "GET", target, NULL);
	client_assert_waits(&client);
	kit_answer(kit, kit->job_count - 1, fields, body);
	client_assert_answer(&client, 200, "; fwd=uri-miss; stored", body);
	client_leave(&client);
}

struct job *kit_job(struct kit *kit, size_t index)
{
	ck_assert_uint_lt(index, kit->job_count);
	ck_assert_ptr_nonnull(kit->jobs[index]);
	return kit->jobs[index];
}

size_t kit_open(const struct kit *kit)
{
	size_t open = 0;

	for (size_t i = 0; i < kit->job_count; i++)
		open += kit->jobs[i] != NULL;
	return open;
}

/* "200 OK\r\nName: value\r\n"... taken apart. reason: room for 64 bytes. */
static void read_head(struct job_head *ret, char *reason, const char *status_and_fields)
{
	const char *line_end = strstr(status_and_fields, "\r\n");

	reason[0] = '\0';
	ret->reason = reason;
	ck_assert_int_ge(sscanf(status_and_fields, "%u %63[^\r]", &ret->status, reason), 1);
	if (line_end)
		ck_assert_int_eq(fields_parse(ret->fields, line_end + 2, strlen(line_end + 2)), 0);
}

void kit_interim(struct job *job, const char *status_and_fields)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct job_head head = {.fields = &fields};
	char reason[64];

	read_head(&head, reason, status_and_fields);
	job_tell_interim(job, &head);
}

int kit_head(struct job *job, const char *status_and_fields, int64_t length, bool framed)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct job_head head = {.fields = &fields, .framed = framed};
	char reason[64], text[24];

	read_head(&head, reason, status_and_fields);
	if (length >= 0) {
		snprintf(text, sizeof(text), "%lld", (long long)length);
		ck_assert_int_eq(fields_set(&fields, "Content-Length", text), 0);
	}
	return job_tell_head(job, &head);
}

void kit_done(struct kit *kit, size_t index, enum job_outcome outcome, bool maybe_sent)
{
	struct job *job = kit_job(kit, index);
	struct job_result result = {.outcome = outcome, .maybe_sent = maybe_sent, .upstream_us = 1000};

	if (outcome != JOB_DONE)
		snprintf(result.text, sizeof(result.text), "as the test wants it");
	kit->jobs[index] = NULL;
	job_tell_done(job, &result);
}

void kit_answer(struct kit *kit, size_t index, const char *status_and_fields, const char *body)
{
	struct job *job = kit_job(kit, index);
	bool bodyless = strcmp(job->method, "HEAD") == 0 || strncmp(status_and_fields, "304", 3) == 0 ||
	                strncmp(status_and_fields, "204", 3) == 0;

	ck_assert_int_eq(kit_head(job, status_and_fields, bodyless ? -1 : (int64_t)strlen(body), true), 0);
	if (!bodyless && body[0])
		ck_assert_int_eq(job->client->body(job, body, strlen(body)), 0);
	kit_done(kit, index, JOB_DONE, true);
}

void kit_fail(struct kit *kit, size_t index, enum job_outcome outcome, bool maybe_sent)
{
	kit_done(kit, index, outcome, maybe_sent);
}
