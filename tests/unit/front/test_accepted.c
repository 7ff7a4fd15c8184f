#include "front/accepted.h"

#include "../unit.h"

#include <string.h>

#ifdef HAVE_ZSTD
#define ZSTD BLOB_ZSTD
#else
#define ZSTD BLOB_GZIP /* what such a row comes to without it */
#endif

static enum blob_coding of(const char *one, const char *other)
{
	struct fields fields = {0};
	enum blob_coding coding;

	if (one)
		ck_assert_int_eq(fields_add(&fields, "Accept-Encoding", one), 0);
	if (other)
		ck_assert_int_eq(fields_add(&fields, "accept-encoding", other), 0);
	coding = accepted_coding(&fields);
	fields_release(&fields);
	return coding;
}

START_TEST(one_field)
{
	static const struct {
		const char *value;
		enum blob_coding coding;
	} rows[] = {
	        {NULL, BLOB_PLAIN},
	        {"", BLOB_PLAIN},
	        {",", BLOB_PLAIN},
	        {"br", BLOB_PLAIN},
	        {"identity", BLOB_PLAIN},
	        {"gzipped, zst, zstd2", BLOB_PLAIN},
	        {"deflate, br", BLOB_PLAIN},
	        {"gzip", BLOB_GZIP},
	        {"GZIP", BLOB_GZIP},
	        {"x-gzip", BLOB_GZIP},
	        {" gzip", BLOB_GZIP},
	        {"gzip, deflate, br", BLOB_GZIP},
	        {"br,gzip ; q=1", BLOB_GZIP},
	        {"br, gzip;q=0.1", BLOB_GZIP},
	        {"gzip;q=0.001", BLOB_GZIP},
	        {"gzip;Q=1.000", BLOB_GZIP},
	        {"gzip;level=9;q=0.5", BLOB_GZIP},
	        {"gzip;q=0", BLOB_PLAIN},
	        {"gzip;q=0 ", BLOB_PLAIN},
	        {"gzip;q=0.000", BLOB_PLAIN},
	        {"gzip;q=", BLOB_PLAIN},
	        {"gzip;q=x", BLOB_PLAIN},
	        {"*;q=0", BLOB_PLAIN},
	        {"*;q=0, gzip;q=0.2", BLOB_GZIP},
	        {"gzip, *;q=0", BLOB_GZIP},
	        {"*", ZSTD},
	        {"br;q=1.0, *;q=0.5", ZSTD},
	        {"gzip, deflate, br, zstd", ZSTD}, /* Chromium and Firefox */
	        {"zstd, gzip", ZSTD},
	        {"gzip;q=0.5, zstd;q=0.5", ZSTD},
	        {"gzip;q=0.5, zstd;q=0.49", BLOB_GZIP},
	        {"zstd;q=0, gzip", BLOB_GZIP},
	        {"zstd;q=0, *", BLOB_GZIP},
	        {"identity, gzip;q=0.5", BLOB_PLAIN},
	        {"identity;q=0.5, gzip;q=0.5", BLOB_GZIP},
	        {"identity;q=0, gzip;q=0.1", BLOB_GZIP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(
		        of(rows[i].value, NULL) == rows[i].coding, "%s: %d", rows[i].value, of(rows[i].value, NULL));
#ifdef HAVE_ZSTD
	ck_assert_int_eq(of("ZSTD", NULL), BLOB_ZSTD);
	ck_assert_int_eq(of("gzip;q=0, *;q=0.1", NULL), BLOB_ZSTD);
#else
	ck_assert_int_eq(of("zstd", NULL), BLOB_PLAIN);
#endif
}
END_TEST

/* RFC 9110 section 5.2: one list. */
START_TEST(two_fields)
{
	ck_assert_int_eq(of("br", "gzip"), BLOB_GZIP);
	ck_assert_int_eq(of("gzip", "br;q=0.5"), BLOB_GZIP);
	ck_assert_int_eq(of("gzip;q=0.1", "identity;q=0.2"), BLOB_PLAIN);
}
END_TEST

UNIT_MAIN("accepted", one_field, two_fields)
