#include "front/pack.h"

#include "kit.h"

#include <zlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define MEMORY (8 << 20)

struct bed {
	struct conf *conf;
	struct cache *cache;
	struct flow flow; /* its cache only */
	struct request *r;
};

/* A request that has the answer of an entry with size bytes: the same over and over, or noise. */
static void make(struct bed *bed, const char *how, const char *accept, const char *field, const char *value,
        size_t size, bool noise)
{
	const char *const settings[] = {how, NULL};
	struct cache_settings cache = {.store = &store_null, .memory_limit = MEMORY};
	struct fail fail = {0};
	struct entry *entry = entry_new();
	char *data = malloc(size + 1);
	uint32_t word = 1;

	for (size_t i = 0; i < size; i++) {
		word = word * 1664525 + 1013904223;
		data[i] = noise ? (char)(word >> 24) : "0123456789"[i % 10];
	}
	bed->conf = kit_conf(settings);
	ck_assert_int_eq(cache_new(&cache, &bed->cache, &fail), 0);
	bed->flow.cache = bed->cache;
	bed->r = request_new(NULL, NULL, bed->conf, "GET", "/issues.json");
	bed->r->flow = &bed->flow;
	if (accept)
		ck_assert_int_eq(fields_add(&bed->r->fields, "Accept-Encoding", accept), 0);
	entry->status = 200;
	entry->reason = strdup("OK");
	entry->resource = strdup("");
	entry->target = strdup("/issues.json");
	entry->body = blob_new(data, size);
	if (field)
		ck_assert_int_eq(fields_add(&entry->fields, field, value), 0);
	if (!field || strcmp(field, "Content-Type") != 0)
		ck_assert_int_eq(fields_add(&entry->fields, "Content-Type", "application/json; charset=utf-8"), 0);
	request_answer_entry(bed->r, entry);
	entry_unref(entry);
}

static void clear(struct bed *bed)
{
	answer_release(&bed->r->answer);
	request_unref(bed->r);
	cache_free(bed->cache, 0);
	conf_unref(bed->conf);
}

static bool packs(struct bed *bed)
{
	struct blob *body = bed->r->answer.entry->body;
	const char *coding;
	bool packed = pack_body(bed->r, body, &coding) != body;

	ck_assert(packed == (coding != NULL));
	return packed;
}

static void assert_gzip_of(const struct blob *packed, const struct blob *body)
{
	char back[20000];
	z_stream stream = {.next_in = (unsigned char *)packed->data,
	        .avail_in = (uInt)packed->size,
	        .next_out = (unsigned char *)back,
	        .avail_out = sizeof(back)};

	ck_assert_int_eq(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
	ck_assert_int_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
	inflateEnd(&stream);
	ck_assert_uint_eq(stream.total_out, body->size);
	ck_assert_int_eq(memcmp(back, body->data, body->size), 0);
}

static void assert_zstd_of(const struct blob *packed, const struct blob *body)
{
#ifdef HAVE_ZSTD
	char back[20000];

	ck_assert_uint_eq(ZSTD_decompress(back, sizeof(back), packed->data, packed->size), body->size);
	ck_assert_int_eq(memcmp(back, body->data, body->size), 0);
#endif
}

/* Each coding beside the other, and both counted. */
START_TEST(packed_once)
{
	struct bed bed;
	struct blob *body, *packed, *other;
	const char *coding;

	make(&bed, "listen.compression=yes", "gzip", NULL, NULL, 20000, false);
	body = bed.r->answer.entry->body;
	ck_assert_uint_eq(blob_packed_bytes(), 0);
	packed = pack_body(bed.r, body, &coding);
	ck_assert_ptr_ne(packed, body);
	ck_assert_str_eq(coding, "gzip");
	ck_assert_uint_lt(packed->size, 1000);
	ck_assert_uint_eq(blob_packed_bytes(), blob_packed_cost(packed->size));
	ck_assert_ptr_eq(pack_body(bed.r, body, &coding), packed);
	assert_gzip_of(packed, body);
#ifdef HAVE_ZSTD
	ck_assert_int_eq(fields_set(&bed.r->fields, "Accept-Encoding", "gzip, zstd"), 0);
	other = pack_body(bed.r, body, &coding);
	ck_assert_str_eq(coding, "zstd");
	ck_assert(other != packed && other != body);
	ck_assert_uint_eq(blob_packed_bytes(), blob_packed_cost(packed->size) + blob_packed_cost(other->size));
	ck_assert_ptr_eq(pack_body(bed.r, body, &coding), other);
	assert_zstd_of(other, body);
#else
	other = packed;
	assert_zstd_of(other, body);
#endif
	clear(&bed);
	ck_assert_uint_eq(blob_packed_bytes(), 0);
}
END_TEST

/* What has no room is sent as it is, and packed when there is room again. */
START_TEST(within_the_budget)
{
	struct bed bed;
	struct cache_figures figures;

	make(&bed, "listen.compression=yes", "gzip", NULL, NULL, 500000, false);
	cache_set_limits(bed.cache, 1000, 0);
	ck_assert(!packs(&bed));
	ck_assert_uint_eq(blob_packed_bytes(), 0);
	cache_set_limits(bed.cache, MEMORY, 0);
	ck_assert(packs(&bed));
	cache_get_figures(bed.cache, &figures);
	ck_assert_uint_eq(figures.memory_bytes, blob_packed_bytes());
	ck_assert_uint_gt(figures.memory_bytes, 0);
	clear(&bed);
}
END_TEST

START_TEST(not_packed)
{
	static const struct {
		const char *how, *accept, *field, *value;
		size_t size;
		bool noise, packs;
	} rows[] = {
	        {"listen.compression=yes", "gzip", NULL, NULL, 1024, false, true},
	        {"listen.compression=yes", "gzip", NULL, NULL, 1023, false, false},
	        {"listen.compression=yes", "gzip", NULL, NULL, 512 * 1024, false, true},
	        {"listen.compression=yes", "gzip", NULL, NULL, 512 * 1024 + 1, false, false},
	        {"listen.compression=yes", NULL, NULL, NULL, 5000, false, false},
	        {"listen.compression=no", "gzip", NULL, NULL, 5000, false, false},
	        {"listen.compression=auto", "gzip", NULL, NULL, 5000, false, false},
	        {"listen.compression=yes", "gzip", NULL, NULL, 5000, true, false},
	        {"listen.compression=yes", "gzip", "Content-Type", "image/png", 5000, false, false},
	        {"listen.compression=yes", "gzip", "Content-Type", "text/csv", 5000, false, true},
	        {"listen.compression=yes", "gzip", "Content-Encoding", "br", 5000, false, false},
	        {"listen.compression=yes", "gzip", "Content-MD5", "x", 5000, false, false},
	        {"listen.compression=yes", "gzip", "Cache-Control", "private, no-transform", 5000, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed bed;

		make(&bed, rows[i].how, rows[i].accept, rows[i].field, rows[i].value, rows[i].size, rows[i].noise);
		ck_assert_msg(packs(&bed) == rows[i].packs, "row %zu", i);
		ck_assert_msg(packs(&bed) == rows[i].packs, "row %zu, again", i);
		clear(&bed);
	}
}
END_TEST

START_TEST(for_other_machines)
{
	struct bed bed;

	make(&bed, "listen.compression=auto", "gzip", NULL, NULL, 5000, false);
	bed.r->door.remote = true;
	ck_assert(packs(&bed));
	bed.r->door.remote = false;
	ck_assert(!packs(&bed));
	ck_assert_int_eq(fields_add(&bed.r->fields, "X-Forwarded-For", "192.0.2.1"), 0);
	ck_assert(packs(&bed));
	bed.r->directives.no_transform = true;
	ck_assert(!packs(&bed));
	bed.r->directives.no_transform = false;
	ck_assert_int_eq(fields_add(&bed.r->fields, "Range", "bytes=0-5"), 0);
	ck_assert(!packs(&bed));
	clear(&bed);
}
END_TEST

UNIT_MAIN("pack", packed_once, not_packed, for_other_machines, within_the_budget)
