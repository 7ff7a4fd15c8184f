#include "redmine/query.h"

#include "chance.h"
#include "rack_model.h"
#include "../unit.h"

#include <errno.h>
#include <string.h>

#define HISTORIES 3000

/* For what is done by the million: Check's own assertions each send a message. */
static void must(int r)
{
	if (r != 0)
		ck_abort_msg("%d", r);
}

static void parse(struct query_parts *ret, const char *raw)
{
	ck_assert_int_eq(query_parse(ret, raw, strlen(raw), false), 0);
}

static bool buf_equal(const struct buf *a, const struct buf *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Normal form and credentials together: what a key is made of. */
static bool parts_equal(const struct query_parts *a, const struct query_parts *b)
{
	return buf_equal(&a->normal, &b->normal) && buf_equal(&a->credentials, &b->credentials);
}

static bool alike_as(const char *left, const char *right, bool ordered)
{
	CLEANUP(query_parts_release) struct query_parts a, b;

	must(query_parse(&a, left, strlen(left), ordered));
	must(query_parse(&b, right, strlen(right), ordered));
	return parts_equal(&a, &b);
}

static bool alike(const char *left, const char *right)
{
	return alike_as(left, right, false);
}

static const struct {
	const char *left, *right;
	bool alike;
} pairs[] = {
        {"", "&&", true},
        {"limit=5", "limit=5", true},
        {"limit=5&offset=2", "offset=2&limit=5", true},
        {"limit=5&limit=6", "limit=6", true},
        {"limit=6&limit=5", "limit=6", false},
        {"a=1&limit=5&b=2", "b=2&a=1&limit=5", true},
        {"%6cimit=%35", "limit=5", true},
        {"a=%C3%BC", "a=%c3%bc", true},
        {"a=x+y", "a=x%20y", true},
        {"a=x%2By", "a=x%20y", false},
        {"a=1&&b=2&", "&b=2&a=1", true},
        {"a", "a=", false},
        {"a", "", false},
        {"a=", "", false},
        {"=", "", false},
        {"a=b=c", "a=b%3Dc", true},
        {"a%3Db=c", "a=b%3Dc", false},
        {"v[x][]=1&v[x][]=2", "v[x][]=2&v[x][]=1", false},
        {"v[x][]=1&b=1&v[x][]=2", "b=1&v[x][]=1&v[x][]=2", true},
        {"v%5Bx%5D%5B%5D=1", "v[x][]=1", true},
        {"v[]=1&v[]=2", "v[]=2", false},
        {"v=1&v[]=2", "v[]=2", false},
        {"a=1&b=2", "a=1b=2", false},
        {"a=1&b=2", "a=1%26b=2", false},
        {"ab=1", "a=b1", false},
        {"A=1", "a=1", false},
        /* read differently by Rack 2 and 3, so kept as they came */
        {"a=1;b=2", "a=1&b=2", false},
        {"a=1;b=2", "b=2;a=1", false},
        {"[a]=1", "a=1", false},
        {"a]=1", "a=1", false},
        {"a[=1&b=2", "b=2&a[=1", false},
        {"a=1&a=%zz", "a=%zz", false},
        {"a=1&b=%", "b=%&a=1", false},
        /* not text: an error in Rails 8 even where a later value replaces it */
        {"q=%ff&q=a", "q=a", false},
        {"q=%00&q=a", "q=a", false},
        {"q=%ED%A0%80&q=a", "q=a", false},
        {"q=%C0%80&q=a", "q=a", false},
        {"q=%F4%90%80%80&q=a", "q=a", false},
        {"q=%C3&q=a", "q=a", false},
        {"q=%F0%9F%98%80&q=%E2%82%AC", "q=%E2%82%AC", true},
        /* credentials */
        {"key=abc&a=1", "a=1&key=abc", true},
        {"key=abc", "key=abd", false},
        {"key=abc", "", false},
        {"key=", "", true},
        {"key", "", true},
        {"key=abc&key=", "", true},
        {"key=&key=abc", "key=abc", true},
        {"key=abc", "access_token=abc", false},
        {"bearer_token=abc", "access_token=abc", false},
        {"%6bey=abc", "key=abc", true},
        {"key[]=", "", false},
        {"[key]=abc", "", false},
        {"KEY=abc", "key=abc", false},
};

static void pair(size_t at)
{
	ck_assert_msg(
	        alike(pairs[at].left, pairs[at].right) == pairs[at].alike, "%s | %s", pairs[at].left, pairs[at].right);
}

START_TEST(every_pair)
{
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		pair(i);
}
END_TEST

static const struct {
	const char *raw;
	bool credential, api_format, nometa, jsonp;
} traits[] = {
        {"", false, false, false, false},
        {"limit=5&sort=key", false, false, false, false},
        {"monkey=1&keys=2&Key=3&api_key=4&access_tokens=1", false, false, false, false},
        {"key=abc", true, false, false, false},
        {"a=1&key=abc&b=2", true, false, false, false},
        {"access_token=abc", true, false, false, false},
        {"bearer_token=abc", true, false, false, false},
        {"k%65y=abc", true, false, false, false},
        {"key[]=abc", true, false, false, false},
        {"key[a]=abc", true, false, false, false},
        {"[key]=abc", true, false, false, false},
        {"[[key]]=abc", true, false, false, false},
        {"]key=abc", true, false, false, false},
        {"key]=abc", true, false, false, false},
        {"key[=abc", true, false, false, false},
        {"%5Bkey%5D=abc", true, false, false, false},
        {"a=1;key=abc", true, false, false, false},
        {"a=%zz&key=abc", true, false, false, false},
        {"a=1;keys=abc", false, false, false, false},
        {"key=", false, false, false, false},
        {"key=abc&key=", false, false, false, false},
        {"format=json", false, true, false, false},
        {"format=xml", false, true, false, false},
        {"format=html&format=xml", false, true, false, false},
        {"format=xml&format=html", false, false, false, false},
        {"format=JSON", false, false, false, false},
        {"format[]=json", false, false, false, false},
        {"form%61t=%6ason", false, true, false, false},
        {"nometa=1", false, false, true, false},
        {"nometa=0", false, false, true, false},
        {"nometa=", false, false, false, false},
        {"nometa=%20%09", false, false, false, false},
        {"nometa", false, false, false, false},
        {"nometa[]=", false, false, true, false},
        {"callback=cb", false, false, false, true},
        {"jsonp=cb", false, false, false, true},
        {"a=1;jsonp=cb", false, false, false, true},
        {"a=1;nometa=1", false, false, true, false},
};

static void trait(size_t at)
{
	CLEANUP(query_parts_release) struct query_parts parts;

	parse(&parts, traits[at].raw);
	ck_assert_msg((parts.credentials.size > 0) == traits[at].credential, "%s", traits[at].raw);
	ck_assert_msg(parts.api_format == traits[at].api_format, "%s", traits[at].raw);
	ck_assert_msg(parts.nometa == traits[at].nometa, "%s", traits[at].raw);
	ck_assert_msg(parts.jsonp == traits[at].jsonp, "%s", traits[at].raw);
}

START_TEST(every_trait)
{
	for (size_t i = 0; i < ARRAY_SIZE(traits); i++)
		trait(i);
}
END_TEST

START_TEST(credential_stays_out_of_the_normal_form)
{
	CLEANUP(query_parts_release) struct query_parts with, without;

	parse(&with, "limit=5&key=0123456789abcdef&offset=1&access_token[]=zyx");
	parse(&without, "offset=1&limit=5");
	ck_assert(buf_equal(&with.normal, &without.normal));
	ck_assert_ptr_null(memmem(with.normal.data, with.normal.size, "0123", 4));
	ck_assert_ptr_nonnull(memmem(with.credentials.data, with.credentials.size, "0123456789abcdef", 16));
	ck_assert_ptr_nonnull(memmem(with.credentials.data, with.credentials.size, "zyx", 3));
}
END_TEST

START_TEST(credential_names)
{
	ck_assert(query_name_is_credential("key", 3));
	ck_assert(query_name_is_credential("[key][a]", 8));
	ck_assert(query_name_is_credential("access_token", 12));
	ck_assert(query_name_is_credential("bearer_token[]", 14));
	ck_assert(!query_name_is_credential("keyx", 4));
	ck_assert(!query_name_is_credential("ke", 2));
	ck_assert(!query_name_is_credential("", 0));
	ck_assert(!query_name_is_credential("[]", 2));
	ck_assert(!query_name_is_credential("a[key]", 6));
}
END_TEST

START_TEST(ordered_keeps_places)
{
	ck_assert(alike_as("a=1&b=2", "a=%31&&b=2", true));
	ck_assert(!alike_as("a=1&b=2", "b=2&a=1", true));
	ck_assert(!alike_as("a=1&a=2", "a=2", true));
	ck_assert(alike_as("key=x&a=1&b=2", "a=1&b=2&key=x", true));
	ck_assert(!alike_as("key=x&a=1", "key=y&a=1", true));
}
END_TEST

START_TEST(ordered_differs_from_sorted)
{
	CLEANUP(query_parts_release) struct query_parts sorted, ordered;

	ck_assert_int_eq(query_parse(&sorted, "a=1&b=2", 7, false), 0);
	ck_assert_int_eq(query_parse(&ordered, "a=1&b=2", 7, true), 0);
	ck_assert(!buf_equal(&sorted.normal, &ordered.normal));
}
END_TEST

/* "a=1" so often, with separators between. */
static void repeat(struct buf *out, const char *piece, size_t times)
{
	for (size_t i = 0; i < times; i++)
		must(buf_add_text(out, piece));
}

START_TEST(limits)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(2 * QUERY_MAX);
	struct query_parts parts;

	/* as many as are read: the last wins; one more and the query is kept as it came */
	repeat(&text, "a=1&", QUERY_PARAMETERS_MAX);
	ck_assert(alike(text.data, "a=1"));
	repeat(&text, "a=1&", 1);
	ck_assert(!alike(text.data, "a=1"));

	buf_clear(&text);
	repeat(&text, "a=1&", (QUERY_READ_MAX - 8) / 4);
	repeat(&text, "key=abcd", 1);
	ck_assert_uint_eq(text.size, QUERY_READ_MAX);
	parse(&parts, text.data);
	ck_assert_uint_gt(parts.credentials.size, 0);
	query_parts_release(&parts);

	buf_clear(&text);
	repeat(&text, "a", QUERY_MAX - 8);
	repeat(&text, "&key=abc", 1);
	parse(&parts, text.data);
	ck_assert_uint_eq(parts.normal.size, QUERY_MAX + 1);
	ck_assert_uint_eq(parts.credentials.size, QUERY_MAX + 1);
	query_parts_release(&parts);

	repeat(&text, "a", 1);
	ck_assert_int_eq(query_parse(&parts, text.data, text.size, false), -ENOBUFS);
	ck_assert_uint_eq(parts.normal.size, 0);
	ck_assert_int_eq(query_parse(&parts, NULL, 0, false), 0);
	ck_assert_uint_eq(parts.normal.size, 0);
}
END_TEST

START_TEST(long_bracketed_name_is_suspected)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(8192);
	struct query_parts parts;

	repeat(&text, "[", 300);
	repeat(&text, "key=abc", 1);
	parse(&parts, text.data);
	ck_assert_uint_gt(parts.credentials.size, 0);
	query_parts_release(&parts);
}
END_TEST

/* Pieces that meet each other in every way that Rack distinguishes. Not "key=", which means nothing to Redmine. */
static const char *const atoms[] = {"a=1", "a=2", "a", "a=", "b=1", "b=2", "a[]=1", "a[]=2", "a[x]=1", "a[x]=2",
        "a[x][]=1", "a[y]=1", "a[][x]=1", "a[][y]=1", "a[][x]=2", "[a]=1", "a]=1", "a[=1", "[]=1", "=1", "key=k",
        "key=l", "key[]=k", "format=json", "%61=1", "a=%31", "a=%", "%5Ba%5D=1", "a%5B%5D=1", "b%5b%5d=1", "a=1;b=2",
        "b=+", "b=%20", "b=%2B", "a%3D=1"};

/* A query of some pieces, in text (room enough). */
static void random_query(struct chance *chance, char *text)
{
	size_t count = chance_below(chance, 6);

	*text = '\0';
	for (size_t i = 0; i < count; i++) {
		strcat(text, chance_of(chance, atoms));
		strcat(text, chance_below(chance, 8) ? "&" : "&&");
	}
}

/* Another query that may well mean the same: a piece moved, doubled, dropped or put in. */
static void random_variation(struct chance *chance, const char *from, char *to)
{
	const char *pieces[64];
	char copy[1024], *rest = copy, *piece;
	size_t count = 0, a, b;

	strcpy(copy, from);
	while ((piece = strsep(&rest, "&")))
		pieces[count++] = piece;
	a = chance_below(chance, count);
	b = chance_below(chance, count);
	switch (chance_below(chance, 4)) {
	case 0:
		pieces[a] = chance_of(chance, atoms);
		break;
	case 1:
		piece = (char *)pieces[a];
		pieces[a] = pieces[b];
		pieces[b] = piece;
		break;
	case 2:
		memmove(&pieces[a + 1], &pieces[a], (count - a) * sizeof(*pieces));
		count++;
		break;
	default:
		pieces[a] = "";
		break;
	}
	*to = '\0';
	for (size_t i = 0; i < count; i++) {
		strcat(to, pieces[i]);
		strcat(to, "&");
	}
}

static bool models_equal(int version, const char *left, const char *right)
{
	CLEANUP(buf_release) struct buf a = BUF_INIT(65536), b = BUF_INIT(65536);

	rack_model_print(version, left, &a);
	rack_model_print(version, right, &b);
	return buf_equal(&a, &b);
}

static void try_equal_forms(size_t seed)
{
	struct chance chance = {.state = seed};
	size_t equal = 0, different = 0;

	for (int i = 0; i < HISTORIES; i++) {
		char left[1024], right[1024];

		random_query(&chance, left);
		if (chance_below(&chance, 3) == 0)
			random_query(&chance, right);
		else
			random_variation(&chance, left, right);
		if (!alike(left, right)) {
			different++;
			continue;
		}
		equal++;
		if (!models_equal(2, left, right) || !models_equal(3, left, right))
			ck_abort_msg("%s | %s", left, right);
	}
	ck_assert_uint_gt(equal, HISTORIES / 10);
	ck_assert_uint_gt(different, HISTORIES / 10);
}

START_TEST(equal_forms_mean_the_same_to_every_rack)
{
	for (size_t i = 0; i < 4; i++)
		try_equal_forms(i);
}
END_TEST

/* Spells some bytes of a decoded piece with %XX, those that must be in any case; not the first "=". */
static void respell(struct chance *chance, const char *piece, struct buf *out)
{
	bool value = false;

	for (; *piece; piece++) {
		bool separator = *piece == '=' && !value;

		value = value || separator;
		if (*piece == ' ' && chance_below(chance, 2))
			must(buf_add_char(out, '+'));
		else if (separator || (*piece != '&' && *piece != ' ' && chance_below(chance, 3)))
			must(buf_add_char(out, *piece));
		else
			must(buf_printf(out, chance_below(chance, 2) ? "%%%02x" : "%%%02X", *piece));
	}
	must(buf_add_text(out, chance_below(chance, 4) ? "&" : "&&"));
}

static void try_same_meaning(size_t seed)
{
	/* each group stays in order; a scalar's earlier values are noise */
	static const char *const groups[][3] = {{"a=1"}, {"b=x y", "b=&z"}, {"v[x][]=1", "v[x][]=2"}, {"c[p]=1", "c=2"},
	        {"key=k1", "key=k2"}, {"sort"}, {"format=json"}, {"f[]="}};
	struct chance chance = {.state = seed};

	for (int i = 0; i < HISTORIES / 10; i++) {
		struct buf text[2] = {BUF_INIT(65536), BUF_INIT(65536)};
		size_t chosen = 1 + chance_below(&chance, 255);

		for (int side = 0; side < 2; side++) {
			size_t next[8] = {0}, left = 0;

			for (size_t g = 0; g < 8; g++)
				for (size_t n = 0; n < 3 && (chosen >> g & 1) && groups[g][n]; n++)
					left++;
			while (left > 0) {
				size_t g = chance_below(&chance, 8);

				if (!(chosen >> g & 1) || next[g] == 3 || !groups[g][next[g]])
					continue;
				if (strcmp(groups[g][0], "a=1") == 0 && chance_below(&chance, 2))
					respell(&chance, "a=noise", &text[side]);
				respell(&chance, groups[g][next[g]++], &text[side]);
				left--;
			}
		}
		ck_assert_msg(alike(text[0].data, text[1].data), "%s | %s", text[0].data, text[1].data);
		buf_release(&text[0]);
		buf_release(&text[1]);
	}
}

START_TEST(same_meaning_has_one_form)
{
	for (size_t i = 0; i < 4; i++)
		try_same_meaning(i);
}
END_TEST

static void try_random_bytes(size_t seed)
{
	static const char bytes[] = "ab&=;%[]12+\xc3\xbc\xff";
	struct chance chance = {.state = seed + 99};

	for (int i = 0; i < HISTORIES; i++) {
		char left[16] = "", right[16] = "";
		size_t size = chance_below(&chance, 10);

		for (size_t at = 0; at < size; at++)
			left[at] = bytes[chance_below(&chance, sizeof(bytes) - 1)];
		memcpy(right, left, sizeof(right));
		if (size > 0)
			right[chance_below(&chance, size)] = bytes[chance_below(&chance, sizeof(bytes) - 1)];
		if (alike(left, right))
			ck_assert_msg(
			        models_equal(2, left, right) && models_equal(3, left, right), "%s | %s", left, right);
	}
}

START_TEST(random_bytes_are_kept_apart)
{
	for (size_t i = 0; i < 2; i++)
		try_random_bytes(i);
}
END_TEST

UNIT_MAIN("query", every_pair, every_trait, credential_stays_out_of_the_normal_form, credential_names,
        ordered_keeps_places, ordered_differs_from_sorted, limits, long_bracketed_name_is_suspected,
        equal_forms_mean_the_same_to_every_rack, same_meaning_has_one_form, random_bytes_are_kept_apart)
