#include "front/pack.h"

#include <stdlib.h>
#include <strings.h>
#include <zlib.h>

#define SIZE_LEAST 1024
#define SIZE_MOST  (512 * 1024)
#define LEVEL      4  /* once for each body, on an event thread: 1 ms for 100 KiB */
#define GZIP       16 /* added to the window bits: zlib.h */

/* Types that are text; what others have is mostly compressed already. */
static const char *const text_types[] = {"application/json", "application/xml", "application/atom+xml",
        "application/javascript", "image/svg+xml", "text/"};

/* Fields of an answer whose body is not to be changed. */
static const char *const fixed_by[] = {"Content-Encoding", "Content-Range", "Content-MD5", "Digest", "Content-Digest"};

/* The quality of a member of the list, "gzip;q=0.5": only whether it is 0 counts. */
static bool has_quality(const char *member, size_t size)
{
	const char *q = memmem(member, size, "q=", 2);

	for (const char *at = q ? q + 2 : member; q && at < member + size; at++)
		if (*at >= '1' && *at <= '9')
			return true;
	return !q;
}

bool pack_accepted(const char *value)
{
	bool any = false;

	for (; value && *value; value += *value == ',') {
		size_t size, name;

		value += strspn(value, " \t");
		size = strcspn(value, ",");
		name = strcspn(value, " \t;,");
		if ((name == 4 && strncasecmp(value, "gzip", 4) == 0) ||
		        (name == 6 && strncasecmp(value, "x-gzip", 6) == 0))
			return has_quality(value + name, size - name);
		if (name == 1 && *value == '*')
			any = has_quality(value + name, size - name);
		value += size;
	}
	return any;
}

static bool is_wanted(const struct request *r)
{
	switch ((enum conf_compression)r->conf->listen.compression) {
	case CONF_COMPRESSION_NO:
		return false;
	case CONF_COMPRESSION_AUTO:
		if (!r->door.remote && !fields_get(&r->fields, "X-Forwarded-For"))
			return false;
		break;
	case CONF_COMPRESSION_YES:
		break;
	}
	return !r->directives.no_transform && !fields_get(&r->fields, "Range") &&
	       pack_accepted(fields_get(&r->fields, "Accept-Encoding"));
}

static bool is_text(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_SIZE(text_types); i++)
		if (strncasecmp(type, text_types[i], strlen(text_types[i])) == 0)
			return true;
	return false;
}

static bool is_fit(const struct entry *entry, const struct blob *body)
{
	struct directives directives;

	if (entry->status != 200 || body->size < SIZE_LEAST || body->size > SIZE_MOST ||
	        !is_text(fields_get(&entry->fields, "Content-Type")))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(fixed_by); i++)
		if (fields_get(&entry->fields, fixed_by[i]))
			return false;
	directives_read(&directives, &entry->fields);
	return !directives.no_transform;
}

/* NULL: out of memory, or not smaller by a tenth. */
static struct blob *compress_body(const struct blob *body)
{
	size_t room = body->size - body->size / 10;
	z_stream stream = {.next_in = (unsigned char *)body->data, .avail_in = (uInt)body->size};
	struct blob *blob = NULL;
	char *data = malloc(room), *fitted;

	if (!data || deflateInit2(&stream, LEVEL, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(data);
		return NULL;
	}
	stream.next_out = (unsigned char *)data;
	stream.avail_out = (uInt)room;
	if (deflate(&stream, Z_FINISH) == Z_STREAM_END) {
		fitted = realloc(data, stream.total_out);
		if (fitted)
			data = fitted;
		blob = blob_new(data, stream.total_out);
	}
	deflateEnd(&stream);
	if (!blob)
		free(data);
	return blob;
}

struct blob *pack_body(const struct request *r, struct blob *body)
{
	struct blob *packed;

	if (!is_wanted(r) || !is_fit(r->answer.entry, body))
		return body;
	packed = blob_packed(body);
	if (packed)
		return packed;
	packed = compress_body(body);
	return blob_keep_packed(body, packed ? packed : body);
}
