#include "front/batch_page.h"

#include "collect/batch.h"

#include <errno.h>
#include <json-c/json.h>
#include <strings.h>

#define PATH_TEXT "/-/batch"

/* What says who asks: the batch's own is used where a read says nothing of these. */
static const char *const credentials[] = {
        "X-Redmine-API-Key", "Authorization", "X-Redmine-Switch-User", SESSION_FIELD, TOKEN_FIELD};
/* What comes with the batch for all its reads. */
static const char *const common[] = {"Accept-Language", "Origin", "Sec-Fetch-Site"};
/* Not a read's to say: about the connection, the message, or who a browser's page is. */
static const char *const not_given[] = {"Host", "Connection", "Content-Length", "Transfer-Encoding", "Expect",
        "Upgrade", "TE", "Trailer", "Keep-Alive", "Proxy-Connection", "Cookie", "Origin", "Sec-Fetch-Site",
        "Accept-Encoding", "X-Forwarded-Host", "X-Forwarded-Proto"};

bool batch_page_own(const struct request *r)
{
	size_t size = strlen(PATH_TEXT);

	return strcmp(r->method, "POST") == 0 && strncmp(r->raw_target, PATH_TEXT, size) == 0 &&
	       (!r->raw_target[size] || r->raw_target[size] == '?');
}

static bool refuse(struct request *r, unsigned status, const char *text)
{
	request_answer_error(r, status, 0, "%s", text);
	return false;
}

bool batch_page_admit(struct request *r)
{
	const char *type = fields_get(&r->fields, "Content-Type");
	size_t size = type ? strcspn(type, "; \t") : 0;

	/* No form of a web page can send this type. */
	if (size != strlen("application/json") || strncasecmp(type, "application/json", size) != 0)
		return refuse(r, 415, "Content-Type: a batch is application/json.");
	if (r->body_size < 0)
		return refuse(r, 411, "Content-Length: a batch says how long it is.");
	if (r->body_size > BATCH_BODY_MAX)
		return refuse(r, 413, "Content-Length: a batch has at most 256 KiB.");
	return true;
}

static bool listed(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(name, list[i]) == 0)
			return true;
	return false;
}

/* -EINVAL with a sentence in fail; -ENOMEM. */
static int add_header(struct batch_item *item, const char *name, struct json_object *value, struct fail *fail)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return fail_set(fail, -EINVAL, "the header %.60s is not a string", name);
	text = json_object_get_string(value);
	if (!name[0] ||
	        name[strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] ||
	        listed(name, not_given, ARRAY_SIZE(not_given)))
		return fail_set(fail, -EINVAL, "the header %.60s is not for a read to give", name);
	if (strlen(text) != (size_t)json_object_get_string_len(value) || strpbrk(text, "\r\n"))
		return fail_set(fail, -EINVAL, "the header %.60s has a line break or NUL in it", name);
	return fields_add(&item->fields, name, text);
}

static int copy_field(struct batch_item *item, const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->fields.count; i++)
		if (field_name_is(r->fields.items[i].name, name) &&
		        fields_add(&item->fields, name, r->fields.items[i].value) < 0)
			return -ENOMEM;
	return 0;
}

static int add_own_fields(struct batch_item *item, const struct request *r)
{
	bool says_who = false;
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(credentials); i++)
		says_who |= fields_get(&item->fields, credentials[i]) != NULL;
	for (size_t i = 0; i < ARRAY_SIZE(credentials) && !says_who && result == 0; i++)
		result = copy_field(item, r, credentials[i]);
	for (size_t i = 0; i < ARRAY_SIZE(common) && result == 0; i++)
		if (!fields_get(&item->fields, common[i]))
			result = copy_field(item, r, common[i]);
	return result;
}

static int read_path(struct batch_item *item, struct json_object *path, struct fail *fail)
{
	const char *text = json_object_get_string(path);

	if (!json_object_is_type(path, json_type_string) || text[0] != '/' ||
	        strlen(text) != (size_t)json_object_get_string_len(path))
		return fail_set(fail, -EINVAL, "its path must be a string that begins with a slash");
	if (strncmp(text, "/-/", 3) == 0)
		return fail_set(fail, -EINVAL, "its path is one of the daemon's own pages");
	item->target = strdup(text);
	return item->target ? 0 : -ENOMEM;
}

static int read_object(struct batch_item *item, struct json_object *object, struct fail *fail)
{
	int r = 0;

	json_object_object_foreach(object, name, value)
	{
		if (strcmp(name, "path") == 0) {
			free(TAKE(item->target));
			r = read_path(item, value, fail);
		} else if (strcmp(name, "headers") == 0 && json_object_is_type(value, json_type_object)) {
			json_object_object_foreach(value, header, text) if (r == 0)
			        r = add_header(item, header, text, fail);
		} else {
			r = fail_set(fail, -EINVAL, "it has path and headers (an object), not %.60s", name);
		}
		if (r < 0)
			return r;
	}
	return item->target ? 0 : fail_set(fail, -EINVAL, "it has no path");
}

static int read_item(struct batch_item *item, struct json_object *object, const struct request *r, struct fail *fail)
{
	int result;

	if (json_object_is_type(object, json_type_object))
		result = read_object(item, object, fail);
	else
		result = read_path(item, object, fail);
	return result < 0 ? result : add_own_fields(item, r);
}

static int read_items(struct batch *batch, struct json_object *list, const struct request *r, struct fail *fail)
{
	size_t count = json_object_array_length(list), most = (size_t)r->conf->collections.batch_limit;

	if (count == 0 || count > most)
		return fail_set(fail, -EINVAL, "A batch has 1 to %zu reads, not %zu.", most, count);
	batch->items = calloc(count, sizeof(*batch->items));
	if (!batch->items)
		return -ENOMEM;
	for (; batch->count < count; batch->count++) {
		struct batch_item *item = &batch->items[batch->count];
		int result = read_item(item, json_object_array_get_idx(list, batch->count), r, fail);

		if (result == -EINVAL)
			fail_prefix(fail, "Read %zu of the batch", batch->count + 1);
		if (result < 0) {
			batch->count++;
			return result;
		}
	}
	return 0;
}

/* The list itself, or an object with it. */
static int read_document(struct batch *batch, struct json_object *document, const struct request *r, struct fail *fail)
{
	struct json_object *list = document;

	if (json_object_is_type(document, json_type_object) && !json_object_object_get_ex(document, "requests", &list))
		list = NULL;
	if (!json_object_is_type(list, json_type_array))
		return fail_set(fail, -EINVAL,
		        "A batch is a list of paths, or of objects with path and headers; or an object with such a list "
		        "as requests.");
	return read_items(batch, list, r, fail);
}

static int read_body(struct batch *batch, struct request *r, struct fail *fail)
{
	CLEANUP(freep) char *body = malloc(BATCH_BODY_MAX);
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *document = NULL;
	ssize_t size = body ? pipe_read(&r->upload, body, BATCH_BODY_MAX) : 0;
	int result = -ENOMEM;

	if (body && tokener) {
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
		if (size > 0)
			document = json_tokener_parse_ex(tokener, body, (int)size);
		if (document && json_tokener_get_parse_end(tokener) == (size_t)size)
			result = read_document(batch, document, r, fail);
		else
			result = fail_set(fail, -EINVAL, "The body is not JSON.");
	}
	json_object_put(document);
	if (tokener)
		json_tokener_free(tokener);
	return result;
}

bool batch_page_start(struct flow *flow, struct request *r)
{
	CLEANUP(batch_release) struct batch batch = {0};
	struct fail fail = {0};
	int result;

	r->flow = flow;
	if (!flow->collector) {
		request_answer_error(r, 404, 0, "There are no batches here.");
		return true;
	}
	result = read_body(&batch, r, &fail);
	if (result < 0) {
		request_answer_error(
		        r, result == -EINVAL ? 400 : 503, 0, "%s", result == -EINVAL ? fail.text : "Out of memory.");
		return true;
	}
	batch_start(flow->collector->arg, r, &batch);
	return false;
}
