#include "redmine/request_key.h"

#include "chance.h"
#include "rack_model.h"
#include "../unit.h"

#include <string.h>

#define HISTORIES  4000
#define FIELDS_MAX 6

static const struct digest_secret secret = {.bytes = "0123456789abcdef0123456789abcde"};

/* For what is done by the million: Check's own assertions each send a message. */
static void must(int r)
{
	if (r != 0)
		ck_abort_msg("%d", r);
}

/* A read as a client sends it. */
struct request {
	const char *origin;
	char target[256];
	struct {
		const char *name, *value;
	} fields[FIELDS_MAX];
	size_t field_count;
};

static void key_of(uint8_t ret[DIGEST_SIZE], const struct request *request)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	CLEANUP(query_parts_release) struct query_parts parts;
	struct identity identity;
	struct target target;

	for (size_t i = 0; i < request->field_count; i++)
		must(fields_add(&fields, request->fields[i].name, request->fields[i].value));
	must(target_parse(&target, request->target));
	must(query_parse(&parts, target.query, target.query_size, false));
	identity_of(&identity, &fields, &parts, &secret);
	request_key(ret, request->origin, &target, &parts, &identity, &fields, &secret);
}

static bool keys_equal(const struct request *a, const struct request *b)
{
	uint8_t left[DIGEST_SIZE], right[DIGEST_SIZE];

	key_of(left, a);
	key_of(right, b);
	return memcmp(left, right, sizeof(left)) == 0;
}

/* All values of a field as Puma hands them on: one text, the names' case and "_" without meaning. */
static void print_field(const struct request *request, const char *name, struct buf *out)
{
	bool first = true;

	for (size_t i = 0; i < request->field_count; i++) {
		char dashed[64];

		strcpy(dashed, request->fields[i].name);
		for (char *at = dashed; *at; at++)
			if (*at == '_')
				*at = '-';
		if (strcasecmp(dashed, name) != 0)
			continue;
		must(buf_printf(out, "%s%s", first ? " " : ", ", request->fields[i].value));
		first = false;
	}
	must(buf_add_text(out, "|"));
}

/* Everything that Redmine may look at, with Rack's reading of the query; the order of its fields does not count. */
static void print_request(const struct request *request, int version, struct buf *out)
{
	const char *question = strchr(request->target, '?');

	must(buf_printf(out, "%s|%.*s|", request->origin, (int)strcspn(request->target, "?"), request->target));
	rack_model_print(version, question ? question + 1 : "", out);
	print_field(request, "X-Redmine-API-Key", out);
	print_field(request, "Authorization", out);
	print_field(request, "X-Redmine-Switch-User", out);
	print_field(request, "Accept-Language", out);
	for (size_t i = 0; i < request->field_count; i++)
		if (strcasecmp(request->fields[i].name, "X-Redmine-Nometa") == 0) {
			must(buf_add_text(out, "nometa"));
			break;
		}
	if (!strstr(request->target, ".json"))
		print_field(request, "Accept", out);
}

static bool requests_equal(const struct request *a, const struct request *b, int version)
{
	CLEANUP(buf_release) struct buf left = BUF_INIT(65536), right = BUF_INIT(65536);

	print_request(a, version, &left);
	print_request(b, version, &right);
	return strcmp(left.data, right.data) == 0;
}

static const char *const origins[] = {"http://a", "http://a/b"};
static const char *const paths[] = {"/issues.json", "//issues.json", "/b/issues.json", "/issues"};
static const char *const pieces[] = {"limit=5", "limit=6", "limit=%35", "a[]=1", "a[]=2", "key=x", "key=y",
        "access_token=x", "key[]=x", "b=1;key=x"};
static const char *const names[] = {"X-Redmine-API-Key", "x-redmine-api-key", "X_Redmine_API_Key", "Authorization",
        "X-Redmine-Switch-User", "Accept-Language", "X-Redmine-Nometa", "Accept", "User-Agent"};
static const char *const values[] = {"x", "y"};

static void add_piece(struct chance *chance, struct request *request)
{
	strcat(request->target, strchr(request->target, '?') ? "&" : "?");
	strcat(request->target, chance_of(chance, pieces));
}

static void add_field(struct chance *chance, struct request *request)
{
	if (request->field_count == FIELDS_MAX)
		return;
	request->fields[request->field_count].name = chance_of(chance, names);
	request->fields[request->field_count++].value = chance_of(chance, values);
}

static void random_request(struct chance *chance, struct request *request)
{
	*request = (struct request){.origin = chance_of(chance, origins)};
	strcpy(request->target, chance_of(chance, paths));
	for (size_t n = chance_below(chance, 4); n > 0; n--)
		add_piece(chance, request);
	for (size_t n = chance_below(chance, 3); n > 0; n--)
		add_field(chance, request);
}

/* One thing changed, which may or may not change the meaning. */
static void vary(struct chance *chance, struct request *request)
{
	size_t i;

	switch (chance_below(chance, 5)) {
	case 0:
		add_piece(chance, request);
		break;
	case 1:
		add_field(chance, request);
		break;
	case 2:
		if (request->field_count > 0) {
			i = chance_below(chance, request->field_count);
			request->fields[i].name = chance_of(chance, names);
		}
		break;
	case 3:
		request->origin = chance_of(chance, origins);
		break;
	default:
		if (request->field_count > 0)
			request->field_count--;
		break;
	}
}

static void try_equal_keys(size_t seed)
{
	struct chance chance = {.state = seed};
	size_t equal = 0, different = 0;

	for (int i = 0; i < HISTORIES; i++) {
		struct request a, b;

		random_request(&chance, &a);
		b = a;
		if (chance_below(&chance, 4) == 0)
			random_request(&chance, &b);
		else
			vary(&chance, &b);
		if (!keys_equal(&a, &b)) {
			different++;
			continue;
		}
		equal++;
		ck_assert_msg(requests_equal(&a, &b, 2) && requests_equal(&a, &b, 3), "%s | %s", a.target, b.target);
	}
	ck_assert_uint_gt(equal, HISTORIES / 20);
	ck_assert_uint_gt(different, HISTORIES / 4);
}

START_TEST(equal_keys_mean_equal_requests)
{
	for (size_t i = 0; i < 4; i++)
		try_equal_keys(i);
}
END_TEST

static void try_same_request(size_t seed)
{
	struct chance chance = {.state = seed + 7};

	for (int i = 0; i < HISTORIES; i++) {
		struct request a, b;

		random_request(&chance, &a);
		b = a;
		/* fields in another order, as long as equal names keep theirs; spelt in another case; noise */
		if (b.field_count == 2 && strcasecmp(b.fields[0].name, b.fields[1].name) != 0 &&
		        !strchr(b.fields[0].name, '_') && !strchr(b.fields[1].name, '_')) {
			b.fields[0] = a.fields[1];
			b.fields[1] = a.fields[0];
		}
		for (size_t f = 0; f < b.field_count; f++)
			if (strcmp(b.fields[f].name, "X-Redmine-API-Key") == 0)
				b.fields[f].name = "x-REDMINE_api-key";
			else if (strcmp(b.fields[f].name, "User-Agent") == 0)
				b.fields[f].value = "another";
		if (b.field_count < FIELDS_MAX) {
			b.fields[b.field_count].name = "X-Forwarded-For";
			b.fields[b.field_count++].value = "192.0.2.1";
		}
		ck_assert_msg(keys_equal(&a, &b), "%s", a.target);
	}
}

START_TEST(what_means_the_same_has_one_key)
{
	for (size_t i = 0; i < 2; i++)
		try_same_request(i);
}
END_TEST

static const struct {
	const char *target, *name, *value;
	bool counts;
} field_rows[] = {
        {"/issues.json", "Accept-Language", "de", true},
        {"/issues.json", "Accept-Language", "", false},
        {"/issues.json", "X-Redmine-Nometa", "", true},
        {"/issues.json", "Accept", "text/html", false},
        {"/issues.json", "X-Requested-With", "XMLHttpRequest", false},
        {"/issues.atom", "Accept", "text/html", false},
        {"/issues", "Accept", "text/html", true},
        {"/issues?format=json", "Accept", "text/html", true},
        {"/issues", "X-Requested-With", "XMLHttpRequest", true},
        {"/issues.csv", "Accept", "text/csv", false},
        {"/issues.html", "X-Requested-With", "XMLHttpRequest", true},
        {"/attachments/download/5/x.png", "Accept", "image/*", false},
        {"/attachments/download/5", "Accept", "image/*", true},
        {"/issues.json", "User-Agent", "x", false},
        {"/issues.json", "Cookie", "x=y", false},
        {"/issues.json", "If-None-Match", "W/\"x\"", false},
        {"/issues.json", "Authorization", "Basic YTpi", true},
        {"/issues.json", "X-Redmine-Switch-User", "jsmith", true},
};

static void field_row(size_t at)
{
	struct request with = {.origin = "http://a"}, without;

	strcpy(with.target, field_rows[at].target);
	without = with;
	with.fields[0].name = field_rows[at].name;
	with.fields[0].value = field_rows[at].value;
	with.field_count = 1;
	ck_assert_msg(keys_equal(&with, &without) != field_rows[at].counts, "%s %s", with.target, with.fields[0].name);
}

START_TEST(every_field_row)
{
	for (size_t i = 0; i < ARRAY_SIZE(field_rows); i++)
		field_row(i);
}
END_TEST

START_TEST(members_do_not_run_together)
{
	struct request a = {.origin = "http://a", .target = "/b/issues.json"};
	struct request b = {.origin = "http://a/b", .target = "/issues.json"};

	ck_assert(!keys_equal(&a, &b));
}
END_TEST

UNIT_MAIN("request_key", every_field_row, members_do_not_run_together, equal_keys_mean_equal_requests,
        what_means_the_same_has_one_key)
