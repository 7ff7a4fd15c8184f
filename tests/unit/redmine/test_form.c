#include "redmine/form.h"

#include "base/macros.h"
#include "../unit.h"

#include <string.h>

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART  "multipart/form-data; boundary=XyZ"

/* A part of a multipart body, its boundary in front. */
#define PART(head, value) "--XyZ\r\n" head "\r\n\r\n" value "\r\n"
#define END               "--XyZ--\r\n"

static const struct {
	const char *type, *body, *method;
} rows[] = {
        {URLENCODED, "", NULL},
        {URLENCODED, "issue[subject]=x", NULL},
        {URLENCODED, "_method=put", "PUT"},
        {URLENCODED, "a=1&_method=Delete&b=2", "DELETE"},
        {URLENCODED, "%5fmethod=%70ut", "PUT"},
        {URLENCODED, "_method=put&_method=patch", "PATCH"},
        {URLENCODED, "_method=put&_method=bogus", "POST"},
        {URLENCODED, "_method=put&_method", NULL},
        {URLENCODED, "_method", NULL},
        {URLENCODED, "_method=", "POST"},
        {URLENCODED, "_method[]=put", "POST"},
        {URLENCODED, "_method[a]=put", "POST"},
        {URLENCODED, "_method[]", "POST"},
        {URLENCODED, "_method[=put", NULL},
        {URLENCODED, "_method=put&a%zz=1", NULL}, /* Rack refuses the body, then looks at the header */
        {URLENCODED, "_method=%zz", NULL},
        {URLENCODED, "[_method]=put", "PUT"},
        {URLENCODED, "_method]=put", "PUT"},
        {URLENCODED, "_METHOD=put", NULL},
        {URLENCODED, "x_method=put", NULL},
        {URLENCODED, "_methods=put", NULL},
        {URLENCODED, "issue[_method]=put", NULL},
        {URLENCODED, "a=1;_method=put", NULL},
        {URLENCODED, "a=1& _method=put", "PUT"},
        {URLENCODED, "_method=put ", "POST"},
        {"Application/X-WWW-Form-URLencoded;charset=UTF-8", "_method=put", "PUT"},
        {NULL, "_method=put", "PUT"},
        {"", "_method=put", "PUT"},
        {"application/json", "_method=put", NULL},
        {"application/json", "{\"_method\":\"put\"}", NULL},
        {"application/octet-stream", "_method=put", NULL},
        {"text/plain", "_method=put", NULL},

        {MULTIPART, PART("Content-Disposition: form-data; name=\"_method\"", "put") END, "PUT"},
        {MULTIPART,
                PART("Content-Disposition: form-data; name=\"a\"", "b")
                        PART("content-disposition: form-data; NAME=_method", "delete") END,
                "DELETE"},
        {MULTIPART,
                PART("Content-Disposition: form-data; name=\"_method\"", "put")
                        PART("Content-Disposition: form-data; name=\"_method\"", "patch") END,
                "PATCH"},
        {MULTIPART, PART("Content-Disposition: form-data; name=\"_method\"", "bogus") END, "POST"},
        {MULTIPART, PART("Content-Disposition: form-data; name=\"file\"; filename=\"_method\"", "put") END, NULL},
        {MULTIPART, PART("Content-Disposition: form-data; name=\"_methods\"", "put") END, NULL},
        {MULTIPART, PART("Content-Disposition: form-data; name=\"text\"", "name=\"_method\"\r\n\r\nput") END, NULL},
        {MULTIPART, PART("Content-Disposition: form-data;name=_method", "put") END, "PUT"},
        {MULTIPART, "", NULL},
        {MULTIPART, "--XyZ", NULL},
        {MULTIPART, "--XyZ\r\nContent-Disposition: form-data; name=\"_method\"\r\n", NULL},
        {MULTIPART, "--XyZ\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nput", "PUT"},
        {"multipart/form-data; boundary=\"XyZ\"", PART("Content-Disposition: form-data; name=\"_method\"", "put") END,
                "PUT"},
        {"multipart/mixed; BOUNDARY=XyZ", PART("Content-Disposition: form-data; name=\"_method\"", "put") END, "PUT"},
        {"multipart/form-data", PART("Content-Disposition: form-data; name=\"_method\"", "put") END, NULL},
        {"multipart/form-data; boundary=", PART("Content-Disposition: form-data; name=\"_method\"", "put") END, NULL},
        {"multipart/alternative; boundary=XyZ", PART("Content-Disposition: form-data; name=\"_method\"", "put") END,
                NULL},
};

static void row(size_t at)
{
	const char *method = form_method(rows[at].type, rows[at].body, strlen(rows[at].body));

	if (rows[at].method)
		ck_assert_msg(method && strcmp(method, rows[at].method) == 0, "%s: %s", rows[at].body, method);
	else
		ck_assert_msg(!method, "%s: %s", rows[at].body, method);
}

START_TEST(every_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		row(i);
}
END_TEST

START_TEST(safari_adds_a_nul)
{
	ck_assert_str_eq(form_method(URLENCODED, "_method=put\0", 12), "PUT");
	ck_assert_str_eq(form_method(URLENCODED, "_method=put\0&a=1", 16), "POST");
}
END_TEST

START_TEST(long_names_and_values)
{
	char body[2000];

	memset(body, 'a', sizeof(body));
	ck_assert_ptr_null(form_method(URLENCODED, body, sizeof(body)));
	memcpy(body, "_method=", 8);
	ck_assert_str_eq(form_method(URLENCODED, body, sizeof(body)), "POST");
	memcpy(body + sizeof(body) - 12, "&_method=put", 12);
	ck_assert_str_eq(form_method(URLENCODED, body, sizeof(body)), "PUT");
}
END_TEST

UNIT_MAIN("form", every_row, safari_adds_a_nul, long_names_and_values)
