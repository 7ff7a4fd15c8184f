#include "front/reply.h"

#include "flow/conditions.h"
#include "flow/forward.h"
#include "front/browser.h"
#include "front/pack.h"
#include "front/reason.h"

#include <errno.h>
#include <inttypes.h>

#define STREAM_BLOCK (64 * 1024)
#define LINE_CEILING (64 * 1024)

/* A 304 says nothing of the body that it does not have. */
static const char *const of_the_body[] = {"Content-Type", "Content-Encoding", "Content-Language", "Content-Range",
        "Content-Disposition", "Content-Transfer-Encoding"};

void reply_release(struct reply *reply)
{
	if (reply->response)
		MHD_destroy_response(reply->response);
	free(reply->reason);
	fields_release(&reply->refused);
	*reply = (struct reply){0};
}

static void unref_blob(void *blob)
{
	blob_unref(blob);
}

static int add_field(struct reply *reply, const char *name, const char *value)
{
	if (MHD_add_response_header(reply->response, name, value) == MHD_YES)
		return 0;
	return fields_add(&reply->refused, name, value);
}

static bool is_of_the_body(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_the_body); i++)
		if (field_name_is(name, of_the_body[i]))
			return true;
	return false;
}

static int add_led_back(
        struct reply *reply, const struct field *field, const struct request *r, const struct origin *origin)
{
	CLEANUP(buf_release) struct buf led = BUF_INIT(LINE_CEILING);

	if (forward_lead_back(field, r, origin, &led) < 0)
		return add_field(reply, field->name, field->value);
	return add_field(reply, field->name, buf_text(&led));
}

/* A strong ETag is of the bytes as they were: of others it is a weak one (RFC 9110 section 8.8.1). */
static int add_weak_etag(struct reply *reply, const char *value)
{
	CLEANUP(buf_release) struct buf weak = BUF_INIT(LINE_CEILING);

	if (buf_printf(&weak, "%s%s", value[0] == '"' ? "W/" : "", value) < 0)
		return -ENOMEM;
	return add_field(reply, "ETag", buf_text(&weak));
}

static int add_entry_fields(
        struct reply *reply, const struct request *r, const struct origin *origin, const char *coding)
{
	const struct fields *fields = &r->answer.entry->fields;
	bool leads = !r->directives.no_transform;
	int result = 0;

	for (size_t i = 0; i < fields->count && result == 0; i++) {
		const struct field *field = &fields->items[i];

		if ((r->answer.status == 304 && is_of_the_body(field->name)) || browser_replaces(r, field->name))
			continue;
		if (leads && forward_names_links(field->name))
			result = add_led_back(reply, field, r, origin);
		else if (coding && field_name_is(field->name, "ETag"))
			result = add_weak_etag(reply, field->value);
		else
			result = add_field(reply, field->name, field->value);
	}
	if (coding && result == 0)
		result = add_field(reply, "Content-Encoding", coding);
	if (coding && result == 0)
		result = add_field(reply, "Vary", "Accept-Encoding");
	/* What is this client's alone: Set-Cookie. */
	for (size_t i = 0; i < r->answer.fields.count && result == 0; i++)
		result = add_field(reply, r->answer.fields.items[i].name, r->answer.fields.items[i].value);
	return result;
}

static int add_fields(struct reply *reply, const struct fields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		if (add_field(reply, fields->items[i].name, fields->items[i].value) < 0)
			return -ENOMEM;
	return 0;
}

/* Where the time went, for the tools of browsers (W3C Server Timing). */
static int add_timing(struct reply *reply, const struct request *r, const struct cache_status *cache, struct buf *value)
{
	uint64_t tenths_ms = ((uint64_t)r->answer.upstream_us + 50) / 100;
	const char last[] = {'.', (char)('0' + tenths_ms % 10), '\0'};

	buf_clear(value);
	if (buf_add_text(value, "cache;desc=") < 0 ||
	        buf_add_text(value, cache_kind_word(cache_status_kind(cache))) < 0)
		return -ENOMEM;
	if (r->answer.upstream_us >= 0 &&
	        (buf_add_text(value, ", upstream;dur=") < 0 || buf_add_unsigned(value, tenths_ms / 10) < 0 ||
	                buf_add_text(value, last) < 0))
		return -ENOMEM;
	return add_field(reply, "Server-Timing", buf_text(value));
}

/* Via behind what others wrote (RFC 9110 7.6.3), what the cache did, and what a browser is told. */
static int add_own_fields(struct reply *reply, const struct request *r, const struct cache_status *cache)
{
	CLEANUP(buf_release) struct buf value = BUF_INIT(LINE_CEILING);
	CLEANUP(fields_release) struct fields browser = {0};

	if (cache_status_print(cache, &value) < 0 || browser_fields(r, &browser) < 0)
		return -ENOMEM;
	if (add_field(reply, "Via", FORWARD_VIA) < 0 || add_field(reply, "Cache-Status", buf_text(&value)) < 0)
		return -ENOMEM;
	return add_timing(reply, r, cache, &value) < 0 ? -ENOMEM : add_fields(reply, &browser);
}

/* RFC 9111 section 4.2.3. */
static int64_t age_seconds(const struct entry *entry, int64_t now_ms)
{
	int64_t age_ms = now_ms - entry->born_ms + entry->age_ms;

	return age_ms > 0 ? age_ms / 1000 : 0;
}

static int add_age(struct reply *reply, const struct entry *entry, int64_t now_ms)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)age_seconds(entry, now_ms));
	return add_field(reply, "Age", text);
}

/*
 * A 304 should say no length, or the one that the body would have (RFC 9110 section 8.6). libmicrohttpd leaves it out
 * only where the connection ends with the answer, and after the body's length some clients (wrk, old versions of Node)
 * wait for the body. So it says 0, as every 304 of this library does: caches do not take the field from a 304
 * (RFC 9111 section 3.2).
 */
static struct MHD_Response *make_not_modified(void)
{
	return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
}

/* The body, or the part of it that is asked for; for a range that lies outside nothing. Sets the status that fits. */
static struct MHD_Response *make_from_body(
        struct reply *reply, const struct request *r, struct blob *body, struct range *range)
{
	enum range_kind kind = RANGE_NONE;
	struct MHD_Response *response;

	*range = (struct range){.size = body->size};
	/* Redmine itself knows no ranges: where its answers are mirrored there are none. */
	if (!r->resource && strcmp(r->method, "GET") == 0)
		kind = conditions_range(&r->fields, r->answer.entry, body->size, range);
	if (kind == RANGE_UNSATISFIABLE) {
		reply->status = 416;
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	}
	if (kind == RANGE_PART)
		reply->status = 206;
	else if (r->answer.entry->reason[0])
		reply->reason = strdup(r->answer.entry->reason);
	response = MHD_create_response_from_buffer_with_free_callback_cls(
	        range->size, body->data ? body->data + range->first : NULL, unref_blob, body);
	if (response)
		blob_ref(body);
	if (!request_is_head(r))
		reply->body_size = range->size;
	return response;
}

/* RFC 9110 section 14.4. */
static int add_content_range(struct reply *reply, const struct range *range, uint64_t size)
{
	char text[80];

	if (reply->status == 416)
		snprintf(text, sizeof(text), "bytes */%" PRIu64, size);
	else
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->first,
		        range->first + range->size - 1, size);
	return add_field(reply, "Content-Range", text);
}

int reply_from_entry(
        struct reply *ret, const struct request *r, const struct origin *origin, struct blob *body, int64_t now_ms)
{
	const struct entry *entry = r->answer.entry;
	struct reply reply = {.status = r->answer.status};
	struct cache_status cache = r->answer.cache;
	const char *coding = NULL;
	struct blob *sent = reply.status == 200 ? pack_body(r, body, &coding) : body; /* of a request without a range */
	bool partial, aged = cache.hit || cache.stale || entry->age_ms >= 1000;
	struct range range;

	/* In whole seconds, so that Age and ttl add up to the lifetime. */
	cache.ttl_ms = entry->fresh_until_ms - entry->born_ms + entry->age_ms - age_seconds(entry, now_ms) * 1000;
	if (reply.status == 304)
		reply.response = make_not_modified();
	else
		reply.response = make_from_body(&reply, r, sent, &range);
	partial = reply.status != r->answer.status;
	if (!reply.response || add_entry_fields(&reply, r, origin, coding) < 0 ||
	        (partial && add_content_range(&reply, &range, sent->size) < 0) ||
	        (aged && add_age(&reply, entry, now_ms) < 0) || add_own_fields(&reply, r, &cache) < 0) {
		reply_release(&reply);
		return -ENOMEM;
	}
	*ret = reply;
	return 0;
}

/* For HEAD: a length without a body. libmicrohttpd never reads it. */
static ssize_t read_nothing(void *arg, uint64_t at, char *room, size_t size)
{
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

/*
 * An answer to HEAD. Where no length is known none may be said, and libmicrohttpd leaves it out only where the
 * connection ends with the answer: after "Transfer-Encoding: chunked" it would send the end of a body.
 */
static struct MHD_Response *make_bodyless(uint64_t length)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
	        length, STREAM_BLOCK, read_nothing, NULL, NULL);

	if (response && length == MHD_SIZE_UNKNOWN)
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return response;
}

static struct MHD_Response *make_response(struct request *r, const struct reply_reader *reader)
{
	struct answer *answer = &r->answer;
	uint64_t length = answer->length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)answer->length;
	struct MHD_Response *response;
	size_t size = answer->body.size;
	char *data;

	if (answer->status == 304)
		return make_not_modified();
	if (answer->kind == ANSWER_STREAM)
		return MHD_create_response_from_callback(length, STREAM_BLOCK, reader->read, reader->arg, NULL);
	if (request_is_head(r) && size == 0 && answer->length != 0)
		return make_bodyless(length);
	data = buf_take(&answer->body, NULL);
	response = MHD_create_response_from_buffer(size, data, data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!response)
		free(data);
	return response;
}

int reply_from_answer(struct reply *ret, struct request *r, const struct reply_reader *reader)
{
	struct reply reply = {.status = r->answer.status};

	reply.body_size = r->answer.kind == ANSWER_STREAM ? UINT64_MAX : r->answer.body.size;
	if (request_is_head(r))
		reply.body_size = 0;
	reply.reason = TAKE(r->answer.reason);
	reply.response = make_response(r, reader);
	if (!reply.response)
		goto failed;
	for (size_t i = 0; i < r->answer.fields.count; i++)
		if (!browser_replaces(r, r->answer.fields.items[i].name) &&
		        add_field(&reply, r->answer.fields.items[i].name, r->answer.fields.items[i].value) < 0)
			goto failed;
	if (add_own_fields(&reply, r, &r->answer.cache) < 0)
		goto failed;
	*ret = reply;
	return 0;
failed:
	reply_release(&reply);
	return -ENOMEM;
}

void reply_close(struct reply *reply)
{
	MHD_add_response_header(reply->response, MHD_HTTP_HEADER_CONNECTION, "close");
}

enum MHD_Result reply_queue(const struct reply *reply, struct MHD_Connection *connection)
{
	reason_set(reply->status, reply->reason, &reply->refused);
	return MHD_queue_response(connection, reply->status, reply->response);
}
