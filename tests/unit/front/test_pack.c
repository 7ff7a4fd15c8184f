#include "front/pack.h"

#include "kit.h"

#include <zlib.h>

START_TEST(accepted)
{
	static const char *const good[] = {"gzip", "GZIP", "x-gzip", "gzip, deflate, br", "br, gzip;q=0.1",
	        "br,gzip ; q=1", "*", "br;q=1.0, *;q=0.5", "gzip;q=0.001", " gzip"};
	static const char *const bad[] = {"", "br", "identity", "gzip;q=0", "gzip;q=0.000 , *", "*;q=0", "gzipped",
	        "deflate, br", ",", "gzip;q=0 "};

	ck_assert(!pack_accepted(NULL));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_msg(pack_accepted(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!pack_accepted(bad[i]), "%s", bad[i]);
}
END_TEST

struct bed {
	struct conf *conf;
	struct request *r;
};

/* A request that has the answer of an entry with size bytes: the same over and over, or noise. */
static void make(struct bed *bed, const char *how, const char *accept, const char *field, const char *value,
        size_t size, bool noise)
{
	const char *const settings[] = {how, NULL};
	struct entry *entry = entry_new();
	char *data = malloc(size + 1);
	uint32_t word = 1;

	for (size_t i = 0; i < size; i++) {
		word = word * 1664525 + 1013904223;
		data[i] = noise ? (char)(word >> 24) : "0123456789"[i % 10];
	}
	bed->conf = kit_conf(settings);
	bed->r = request_new(NULL, NULL, bed->conf, "GET", "/issues.json");
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
	conf_unref(bed->conf);
}

static bool packs(struct bed *bed)
{
	struct blob *body = bed->r->answer.entry->body;

	return pack_body(bed->r, body) != body;
}

START_TEST(packed_once)
{
	struct bed bed;
	struct blob *body, *packed;
	char back[20000];
	z_stream stream = {0};

	make(&bed, "listen.compression=yes", "gzip", NULL, NULL, sizeof(back), false);
	body = bed.r->answer.entry->body;
	packed = pack_body(bed.r, body);
	ck_assert_ptr_ne(packed, body);
	ck_assert_uint_lt(packed->size, 1000);
	ck_assert_ptr_eq(pack_body(bed.r, body), packed);
	stream.next_in = (unsigned char *)packed->data;
	stream.avail_in = (uInt)packed->size;
	stream.next_out = (unsigned char *)back;
	stream.avail_out = sizeof(back);
	ck_assert_int_eq(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
	ck_assert_int_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
	inflateEnd(&stream);
	ck_assert_uint_eq(stream.total_out, body->size);
	ck_assert_int_eq(memcmp(back, body->data, body->size), 0);
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

UNIT_MAIN("pack", accepted, packed_once, not_packed, for_other_machines)
