#include "front/errand_page.h"

#include "base/base64.h"
#include "flow/errand.h"
#include "front/status.h"
#include "redmine/json.h"

#include <json-c/json.h>

#define ANSWER "/answer"
/* A body up to this is told within the JSON, a larger one only by .../answer. */
#define INLINE_MAX (64 * 1024)

bool errand_page_own(const char *target)
{
	return strncmp(target, ERRAND_PLACE, strlen(ERRAND_PLACE)) == 0;
}

static void errand_unrefp(struct errand **errand)
{
	errand_unref(*errand);
}

/* Makes the answer WHOLE with that body, whatever its size. */
static void answer_with(struct request *r, unsigned status, const char *body, size_t size)
{
	buf_release(&r->answer.body);
	r->answer.body = BUF_INIT(size + 1);
	r->answer.kind = ANSWER_WHOLE;
	r->answer.status = status;
	if (size > 0 && buf_add(&r->answer.body, body, size) < 0)
		r->answer.status = 503;
	if (request_is_head(r))
		r->answer.length = (int64_t)size;
}

static void answer_json(struct request *r, unsigned status, struct json_object *object)
{
	size_t size;
	const char *text = json_object_to_json_string_length(
	        object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

	if (text && fields_add(&r->answer.fields, "Content-Type", "application/json; charset=utf-8") == 0 &&
	        fields_add(&r->answer.fields, "Cache-Control", "no-store") == 0)
		answer_with(r, status, text, size);
	else
		request_answer_error(r, 503, 0, "Out of memory.");
	json_object_put(object);
}

/* JSON as what it is, text as a string, all else as base64. */
static void add_body(struct json_object *object, const struct errand_outcome *outcome)
{
	const char *type = fields_get(outcome->fields, "Content-Type");
	const char *coding = fields_get(outcome->fields, "Content-Encoding");
	const char *data = outcome->body ? outcome->body->data : NULL;
	size_t size = outcome->body ? outcome->body->size : 0;
	CLEANUP(buf_release) struct buf text = BUF_INIT(INLINE_MAX * 2);
	struct json_object *body = NULL;

	if (size == 0 || size > INLINE_MAX)
		return;
	if (coding || !json_is_utf8(data, size)) {
		if (base64_add(&text, data, size) == 0)
			status_add_text(object, "body_base64", buf_text(&text));
		return;
	}
	if (type && strcasestr(type, "json") && buf_add(&text, data, size) == 0)
		body = json_tokener_parse(text.data);
	json_object_object_add(object, "body", body ? body : json_object_new_string_len(data, (int)size));
}

/* Bytes of a head that are no UTF-8 are Latin-1, as they were of old (RFC 9110 section 5.5): JSON has no others. */
static struct json_object *head_text(const char *text)
{
	CLEANUP(buf_release) struct buf utf8 = BUF_INIT(2 * strlen(text) + 1);
	int r = 0;

	if (json_is_utf8(text, strlen(text)))
		return json_object_new_string(text);
	for (const unsigned char *at = (const unsigned char *)text; *at && r == 0; at++) {
		if (*at >= 0x80)
			r = buf_add_char(&utf8, (char)(0xc0 | *at >> 6));
		if (r == 0)
			r = buf_add_char(&utf8, (char)(*at < 0x80 ? *at : 0x80 | (*at & 0x3f)));
	}
	return r < 0 ? NULL : json_object_new_string(buf_text(&utf8));
}

static void add_headers(struct json_object *object, const struct fields *fields)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < fields->count; i++) {
		struct json_object *pair = json_object_new_array_ext(2);

		json_object_array_add(pair, json_object_new_string(fields->items[i].name));
		json_object_array_add(pair, head_text(fields->items[i].value));
		json_object_array_add(array, pair);
	}
	json_object_object_add(object, "headers", array);
}

static void answer_state(struct request *r, const struct errand_outcome *outcome)
{
	struct json_object *object = json_object_new_object();

	status_add_text(object, "state", outcome->state == ERRAND_WAITING ? "waiting" : "running");
	if (fields_add(&r->answer.fields, "Retry-After", "1") < 0)
		status_add_text(object, "retry_after", "1");
	answer_json(r, 202, object);
}

static void answer_outcome(struct request *r, const struct errand_outcome *outcome, const char *id)
{
	struct json_object *object = json_object_new_object();
	char place[sizeof(ERRAND_PLACE) + ERRAND_ID_SIZE + sizeof(ANSWER)];

	snprintf(place, sizeof(place), ERRAND_PLACE "%s" ANSWER, id);
	status_add_text(object, "state", "done");
	json_object_object_add(object, "status", json_object_new_int((int)outcome->status));
	if (outcome->reason)
		json_object_object_add(object, "reason", head_text(outcome->reason));
	add_headers(object, outcome->fields);
	add_body(object, outcome);
	status_add_text(object, "answer", place);
	answer_json(r, 200, object);
}

/* The answer as the client would have got it. */
static void answer_itself(struct request *r, const struct errand_outcome *outcome)
{
	if (fields_copy(&r->answer.fields, outcome->fields) < 0) {
		request_answer_error(r, 503, 0, "Out of memory.");
		return;
	}
	r->answer.reason = outcome->reason ? strdup(outcome->reason) : NULL;
	answer_with(r, outcome->status, outcome->body ? outcome->body->data : NULL,
	        outcome->body ? outcome->body->size : 0);
}

void errand_page_answer(struct front *front, struct request *r)
{
	const char *at = r->raw_target + strlen(ERRAND_PLACE);
	size_t size = strcspn(at, "/?");
	bool itself = strncmp(at + size, ANSWER, strlen(ANSWER)) == 0;
	CLEANUP(errand_unrefp) struct errand *errand = NULL;
	struct errand_outcome outcome;
	char id[ERRAND_ID_SIZE] = "";

	if (!flow_identify(front->flow, r))
		return;
	at += size + (itself ? strlen(ANSWER) : 0);
	if (size == ERRAND_ID_SIZE - 1 && (!*at || *at == '?')) {
		memcpy(id, r->raw_target + strlen(ERRAND_PLACE), size);
		errand = errand_find(front->flow->errands, id, &r->identity);
	}
	if (!errand) {
		request_answer_error(r, 404, 0,
		        "There is no such request, it was sent by somebody else, or its outcome is not kept any more.");
		return;
	}
	errand_get_outcome(errand, &outcome);
	if (outcome.state != ERRAND_DONE)
		answer_state(r, &outcome);
	else if (itself)
		answer_itself(r, &outcome);
	else
		answer_outcome(r, &outcome, id);
}
