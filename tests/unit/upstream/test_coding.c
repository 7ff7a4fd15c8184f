#include "upstream/coding.h"

#include "../unit.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

/* What a sink gets, and when it stops. */
struct drain {
	struct buf out;
	unsigned calls, hold_every; /* 0: never holds */
	int fails;                  /* negative: what the next call says */
};

static int take(void *arg, const char *data, size_t size)
{
	struct drain *drain = arg;

	if (drain->fails < 0)
		return drain->fails;
	if (drain->hold_every > 0 && ++drain->calls % drain->hold_every == 0)
		return -1000;
	ck_assert_uint_gt(size, 0);
	return buf_add(&drain->out, data, size);
}

/* window: as deflateInit2 wants it: 15 + 16 gzip, 15 zlib. */
static void compress_to(struct buf *out, const char *data, size_t size, int window)
{
	z_stream stream = {0};
	char room[4096];

	ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = (Bytef *)data;
	stream.avail_in = (uInt)size;
	do {
		stream.next_out = (Bytef *)room;
		stream.avail_out = sizeof(room);
		ck_assert_int_ge(deflate(&stream, Z_FINISH), 0);
		ck_assert_int_eq(buf_add(out, room, sizeof(room) - stream.avail_out), 0);
	} while (stream.avail_out == 0);
	deflateEnd(&stream);
}

static struct coding *make(const char *name)
{
	bool failed;
	struct coding *coding = coding_new(name, &failed);

	ck_assert(!failed);
	return coding;
}

/* Some that packs well, and long: a small input becomes many pieces. */
static char *some_text(size_t size)
{
	char *text = malloc(size);

	for (size_t i = 0; i < size; i++)
		text[i] = (char)("abcdefgh"[i % 7] + (i / 5000) % 20);
	return text;
}

START_TEST(knows_its_codings)
{
	static const char *const known[] = {"gzip", "GZIP", "x-gzip", "deflate", "Deflate"};
	static const char *const unknown[] = {
	        "", "br", "zstd", "identity", "gzip, gzip", "gzip,deflate", "compress", " gzip"};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct coding *coding = make(known[i]);

		ck_assert_msg(coding != NULL, "%s", known[i]);
		ck_assert(coding_ended(coding)); /* nothing came: an empty body */
		coding_free(coding);
	}
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		ck_assert_msg(make(unknown[i]) == NULL, "%s", unknown[i]);
	coding_free(NULL);
}
END_TEST

/* Fed in pieces of each size, with a sink that takes all or holds now and then. */
static void undoes(const char *name, int window, size_t size, size_t piece, unsigned hold_every)
{
	CLEANUP(buf_release) struct buf packed = BUF_INIT(1 << 24);
	struct drain drain = {.out = BUF_INIT(1 << 24), .hold_every = hold_every};
	struct coding *coding = make(name);
	char *text = some_text(size);

	compress_to(&packed, text, size, window);
	for (size_t at = 0; at < packed.size; at += piece) {
		size_t part = packed.size - at < piece ? packed.size - at : piece;
		int r;

		while ((r = coding_feed(coding, packed.data + at, part, take, &drain)) == -1000)
			continue;
		ck_assert_int_eq(r, 0);
		if (at + part < packed.size)
			ck_assert(!coding_ended(coding));
	}
	ck_assert(coding_ended(coding));
	ck_assert_uint_eq(drain.out.size, size);
	ck_assert_int_eq(memcmp(buf_text(&drain.out), text, size), 0);
	coding_free(coding);
	buf_release(&drain.out);
	free(text);
}

START_TEST(undoes_in_pieces)
{
	static const size_t sizes[] = {1, 100, 32768, 32769, 65536, 300000};
	static const size_t pieces[] = {1, 7, 1000, 1 << 20};

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(pieces); j++) {
			for (unsigned hold_every = 0; hold_every < 4; hold_every++) {
				if (hold_every == 1)
					continue; /* it would never go on */
				undoes("gzip", 15 + 16, sizes[i], pieces[j], hold_every);
				undoes("deflate", 15, sizes[i], pieces[j], hold_every);
			}
		}
	}
}
END_TEST

/* Offered again with more behind it, as libcurl does with what came meanwhile. */
START_TEST(offered_again_with_more)
{
	CLEANUP(buf_release) struct buf packed = BUF_INIT(1 << 20);
	struct drain drain = {.out = BUF_INIT(1 << 20), .hold_every = 2};
	struct coding *coding = make("gzip");
	char *text = some_text(200000);

	compress_to(&packed, text, 200000, 15 + 16);
	drain.calls = 1; /* the first call holds */
	ck_assert_int_eq(coding_feed(coding, packed.data, packed.size / 2, take, &drain), -1000);
	drain.hold_every = 0;
	ck_assert_int_eq(coding_feed(coding, packed.data, packed.size, take, &drain), 0);
	ck_assert(coding_ended(coding));
	ck_assert_uint_eq(drain.out.size, 200000);
	ck_assert_int_eq(memcmp(drain.out.data, text, 200000), 0);
	coding_free(coding);
	buf_release(&drain.out);
	free(text);
}
END_TEST

/* RFC 1952 section 2.2: several members, one behind the other. */
START_TEST(several_members)
{
	CLEANUP(buf_release) struct buf packed = BUF_INIT(1 << 20);
	struct drain drain = {.out = BUF_INIT(1 << 20)};
	struct coding *coding = make("gzip");
	size_t first;

	compress_to(&packed, "hello, ", 7, 15 + 16);
	first = packed.size;
	compress_to(&packed, "world", 5, 15 + 16);
	ck_assert_int_eq(coding_feed(coding, packed.data, first, take, &drain), 0);
	ck_assert(coding_ended(coding));
	ck_assert_int_eq(coding_feed(coding, packed.data + first, 3, take, &drain), 0);
	ck_assert(!coding_ended(coding));
	ck_assert_int_eq(coding_feed(coding, packed.data + first + 3, packed.size - first - 3, take, &drain), 0);
	ck_assert(coding_ended(coding));
	ck_assert_str_eq(buf_text(&drain.out), "hello, world");
	coding_free(coding);
	buf_release(&drain.out);
}
END_TEST

START_TEST(cut_and_broken)
{
	CLEANUP(buf_release) struct buf packed = BUF_INIT(1 << 20);
	struct drain drain = {.out = BUF_INIT(1 << 20)};
	struct coding *coding;

	compress_to(&packed, "hello, world", 12, 15 + 16);
	for (size_t size = 1; size < packed.size; size++) {
		coding = make("gzip");
		ck_assert_int_eq(coding_feed(coding, packed.data, size, take, &drain), 0);
		ck_assert_msg(!coding_ended(coding), "%zu of %zu bytes", size, packed.size);
		coding_free(coding);
	}
	coding = make("gzip");
	ck_assert_int_eq(coding_feed(coding, "this is not gzip at all", 23, take, &drain), -EPROTO);
	coding_free(coding);
	packed.data[packed.size - 6] ^= 1; /* the checksum */
	coding = make("gzip");
	ck_assert_int_eq(coding_feed(coding, packed.data, packed.size, take, &drain), -EPROTO);
	coding_free(coding);
	packed.data[packed.size - 6] ^= 1;
	ck_assert_int_eq(buf_add_text(&packed, "garbage"), 0);
	coding = make("gzip");
	ck_assert_int_eq(coding_feed(coding, packed.data, packed.size, take, &drain), -EPROTO);
	coding_free(coding);
	buf_release(&drain.out);
}
END_TEST

START_TEST(stops_when_told)
{
	CLEANUP(buf_release) struct buf packed = BUF_INIT(1 << 20);
	struct drain drain = {.out = BUF_INIT(1 << 20), .fails = -EPIPE};
	struct coding *coding = make("gzip");

	compress_to(&packed, "hello", 5, 15 + 16);
	ck_assert_int_eq(coding_feed(coding, packed.data, packed.size, take, &drain), -EPIPE);
	coding_free(coding);
	buf_release(&drain.out);
}
END_TEST

UNIT_MAIN("coding", knows_its_codings, undoes_in_pieces, offered_again_with_more, several_members, cut_and_broken,
        stops_when_told)
