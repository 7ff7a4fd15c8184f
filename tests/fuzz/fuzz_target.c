/*
 * Request targets: whatever comes, what is shown of it is one printable line
 * that holds no credential which the query's reading found ("S3CR3T" stands
 * for one), and slashes do not change which resource it is. The target is a
 * form's body, too. Input: the target.
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Isrc tests/fuzz/fuzz_target.c \
 *		src/redmine/{target,resource,query,percent,redact,tags,write_tags,issue_body,method,form}.c src/base/buf.c \
 *		-ljson-c
 */
#include "redmine/form.h"
#include "redmine/query.h"
#include "redmine/redact.h"
#include "redmine/write_tags.h"

#include <string.h>

#define SECRET "S3CR3T"
#define LIMIT  4000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shown(const char *raw, struct buf *shown)
{
	ASSERT(redact_target(raw, LIMIT, shown) == 0);
	ASSERT(shown->size <= LIMIT + 3);
	for (size_t i = 0; i < shown->size; i++)
		ASSERT(shown->data[i] > ' ' && shown->data[i] < 0x7f);
}

static bool holds(const char *data, size_t size, const char *text)
{
	return size > 0 && memmem(data, size, text, strlen(text));
}

/* What Redmine would take for a credential is not shown. */
static void check_secret(const struct target *target, const struct buf *shown)
{
	const char *first = strstr(target->path, "=" SECRET);
	CLEANUP(query_parts_release) struct query_parts parts;

	ASSERT(query_parse(&parts, target->query, target->query_size, false) == 0);
	if (!holds(parts.credentials.data, parts.credentials.size, SECRET) || parts.credentials.data[0] != 's')
		return;
	if (!first || strstr(target->path, SECRET) != first + 1 || strstr(first + 2, SECRET))
		return; /* the same bytes elsewhere are not ours to hide */
	ASSERT(!strstr(buf_text(shown), SECRET));
}

static void check_resource(const char *raw)
{
	CLEANUP(buf_release) struct buf doubled = BUF_INIT(1 << 20);
	CLEANUP(query_parts_release) struct query_parts query;
	struct target target, other;
	struct write_shape write = {
	        .method = "PUT",
	        .target = &target,
	        .query = &query,
	        .content_type = "application/json",
	        .body = raw,
	        .body_size = strlen(raw),
	};
	struct tags tags;

	ASSERT(target_parse(&target, raw) == 0);
	ASSERT(query_parse(&query, target.query, target.query_size, false) == 0);
	if (buf_add_text(&doubled, "/") < 0 || buf_add(&doubled, target.path, target.path_size) < 0 ||
	        buf_add_text(&doubled, "//") < 0)
		abort();
	ASSERT(target_parse(&other, doubled.data) == 0);
	ASSERT(other.format == target.format);
	for (int api_format = 0; api_format < 2; api_format++) {
		const struct resource *resource = resource_match(&target, api_format);

		ASSERT(resource == resource_match(&other, api_format));
		tags_of_read(&tags, resource, &target, &query);
		ASSERT(tags.count >= 1 && tags.count <= 5);
	}
	tags_of_write(&tags, &write);
	ASSERT(tags.count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT(1 << 20);
	struct target target;
	const char *method;
	char *raw;

	if (size > 1 << 16)
		return 0;
	raw = strndup((const char *)data, size);
	ASSERT(raw);
	check_shown(raw, &shown);
	if (target_parse(&target, raw) == 0 && raw[0] == '/') {
		check_secret(&target, &shown);
		check_resource(raw);
	}
	method = form_method(size % 2 ? "multipart/form-data; boundary=X" : NULL, (const char *)data, size);
	ASSERT(!method || strlen(method) >= 3);
	free(raw);
	return 0;
}
