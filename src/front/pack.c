#include "front/pack.h"

#include "flow/flow.h"
#include "front/accepted.h"

#include <stdlib.h>
#include <strings.h>
#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define SIZE_LEAST 1024
#define SIZE_MOST  (512 * 1024)
/* Once for each body, on an event thread: 1 ms for 100 KiB by gzip, a third of that by zstd. */
#define GZIP_LEVEL 4
#define ZSTD_LEVEL 3
#define GZIP       16 /* added to the window bits: zlib.h */

/* Types that are text; what others have is mostly compressed already. */
static const char *const text_types[] = {"application/json", "application/xml", "application/atom+xml",
        "application/javascript", "image/svg+xml", "text/"};

/* Fields of an answer whose body is not to be changed. */
static const char *const fixed_by[] = {"Content-Encoding", "Content-Range", "Content-MD5", "Digest", "Content-Digest"};

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
	return !r->directives.no_transform && !fields_get(&r->fields, "Range");
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

/* Writes at most room bytes to data. Their number; 0: out of memory, or they are more. */
static size_t compress_gzip(const struct blob *body, char *data, size_t room)
{
	z_stream stream = {.next_in = (unsigned char *)body->data, .avail_in = (uInt)body->size};
	size_t size = 0;

	if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	stream.next_out = (unsigned char *)data;
	stream.avail_out = (uInt)room;
	if (deflate(&stream, Z_FINISH) == Z_STREAM_END)
		size = stream.total_out;
	deflateEnd(&stream);
	return size;
}

static size_t compress_zstd(const struct blob *body, char *data, size_t room)
{
#ifdef HAVE_ZSTD
	size_t size = ZSTD_compress(data, room, body->data, body->size, ZSTD_LEVEL);

	return ZSTD_isError(size) ? 0 : size;
#else
	return 0;
#endif
}

/* NULL: out of memory, or not smaller by a tenth. */
static struct blob *compress_body(const struct blob *body, enum blob_coding coding)
{
	size_t room = body->size - body->size / 10, size;
	char *data = malloc(room), *fitted;
	struct blob *blob = NULL;

	if (!data)
		return NULL;
	size = coding == BLOB_ZSTD ? compress_zstd(body, data, room) : compress_gzip(body, data, room);
	fitted = size > 0 ? realloc(data, size) : NULL;
	if (fitted)
		data = fitted;
	if (size > 0)
		blob = blob_new(data, size);
	if (!blob)
		free(data);
	return blob;
}

/* In that coding, made if it is not there yet; body itself where that cannot be or is not worth while. */
static struct blob *packed_form(struct cache *cache, struct blob *body, enum blob_coding coding)
{
	struct blob *packed = blob_packed(body, coding);

	if (packed)
		return packed;
	packed = compress_body(body, coding);
	if (!packed)
		return blob_keep_packed(body, coding, body);
	if (cache_make_room(cache, blob_packed_cost(packed->size)))
		return blob_keep_packed(body, coding, packed);
	blob_unref(packed);
	return body;
}

struct blob *pack_body(const struct request *r, struct blob *body, const char **ret_coding)
{
	static const char *const names[] = {[BLOB_GZIP] = "gzip", [BLOB_ZSTD] = "zstd"};
	enum blob_coding coding = is_wanted(r) ? accepted_coding(&r->fields) : BLOB_PLAIN;
	struct blob *packed = body;

	if (coding != BLOB_PLAIN && is_fit(r->answer.entry, body))
		packed = packed_form(r->flow->cache, body, coding);
	*ret_coding = packed == body ? NULL : names[coding];
	return packed;
}
