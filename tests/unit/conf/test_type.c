#include "conf/type.h"

#include "conf/conf.h"

#include "../unit.h"

#include <errno.h>
#include <string.h>

/* A row of that type; the member is the struct itself. */
#define ROW(of_type, of_words, of_min, of_max)                                                                         \
	((struct option){.type = &(of_type), .words = (of_words), .default_text = "", .min = (of_min), .max = (of_max)})

static void assert_parses(const struct option *option, const char *text, void *member, const char *printed)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(1000);
	struct fail fail = {0};

	ck_assert_msg(option->type->parse(option, text, member, &fail) == 0, "%s: %s", text, fail.text);
	ck_assert_int_eq(option->type->print(option, member, &out), 0);
	ck_assert_str_eq(buf_text(&out), printed);
}

/* Refused, with a reason, and the member keeps what it had. */
static void assert_refuses(const struct option *option, const char *text, void *member, int code)
{
	CLEANUP(buf_release) struct buf before = BUF_INIT(1000);
	CLEANUP(buf_release) struct buf after = BUF_INIT(1000);
	struct fail fail = {0};

	ck_assert_int_eq(option->type->print(option, member, &before), 0);
	ck_assert_msg(option->type->parse(option, text, member, &fail) == code, "%s: %s", text, fail.text);
	ck_assert_int_eq(fail.code, code);
	ck_assert_str_ne(fail.text, "");
	ck_assert_int_eq(option->type->print(option, member, &after), 0);
	ck_assert_str_eq(buf_text(&after), buf_text(&before));
}

/* A copy prints alike and owns its own. */
static void assert_copies(const struct option *option, void *member, void *other)
{
	CLEANUP(buf_release) struct buf one = BUF_INIT(1000);
	CLEANUP(buf_release) struct buf two = BUF_INIT(1000);

	ck_assert_int_eq(option->type->print(option, member, &one), 0);
	ck_assert_int_eq(option->type->copy(other, member), 0);
	if (option->type->release)
		option->type->release(member);
	ck_assert_int_eq(option->type->print(option, other, &two), 0);
	ck_assert_str_eq(buf_text(&two), buf_text(&one));
	if (option->type->release)
		option->type->release(other);
}

static void assert_allows(const struct option *option, const char *expected)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(1000);

	ck_assert_int_eq(option->type->allowed(option, &out), 0);
	ck_assert_str_eq(buf_text(&out), expected);
}

START_TEST(words)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(100);

	ck_assert_int_eq(words_find("auto yes no", "auto"), 0);
	ck_assert_int_eq(words_find("auto yes no", "no"), 2);
	ck_assert_int_eq(words_find("auto yes no", "aut"), -1);
	ck_assert_int_eq(words_find("auto yes no", "o"), -1);
	ck_assert_int_eq(words_find("auto yes no", "yes no"), -1);
	ck_assert_int_eq(words_find("auto yes no", ""), -1);
	ck_assert_int_eq(words_find("", ""), -1);
	ck_assert_int_eq(words_list("a", "", &out), 0);
	ck_assert_int_eq(words_list("", "", &out), 0);
	ck_assert_int_eq(buf_add_char(&out, '/'), 0);
	ck_assert_int_eq(words_list("a b", "!", &out), 0);
	ck_assert_int_eq(buf_add_char(&out, '/'), 0);
	ck_assert_int_eq(words_list("a b c", "", &out), 0);
	ck_assert_str_eq(buf_text(&out), "a/a! or b!/a, b or c");
}
END_TEST

START_TEST(bools)
{
	struct option option = ROW(type_bool, "", "", "");
	bool value = false;

	assert_parses(&option, "yes", &value, "yes");
	ck_assert(value);
	assert_parses(&option, "off", &value, "no");
	ck_assert(!value);
	assert_parses(&option, "true", &value, "yes");
	assert_parses(&option, "0", &value, "no");
	assert_parses(&option, "1", &value, "yes");
	assert_refuses(&option, "maybe", &value, -EINVAL);
	assert_refuses(&option, "", &value, -EINVAL);
	assert_refuses(&option, "YES", &value, -EINVAL);
	assert_allows(&option, "yes or no");
}
END_TEST

START_TEST(choices)
{
	struct option option = ROW(type_choice, "error warn info debug", "", "");
	enum log_level value = LOG_LEVEL_INFO;

	assert_parses(&option, "error", &value, "error");
	ck_assert_int_eq(value, LOG_LEVEL_ERROR);
	assert_parses(&option, "debug", &value, "debug");
	ck_assert_int_eq(value, LOG_LEVEL_DEBUG);
	assert_refuses(&option, "warn info", &value, -EINVAL);
	assert_refuses(&option, "", &value, -EINVAL);
	assert_allows(&option, "error, warn, info or debug");
}
END_TEST

START_TEST(numbers_and_counts)
{
	struct option number = ROW(type_number, "", "2", "1024");
	struct option count = ROW(type_count, "", "1", "16");
	int value = 7;

	assert_parses(&number, "2", &value, "2");
	assert_parses(&number, "1024", &value, "1024");
	ck_assert_int_eq(value, 1024);
	assert_refuses(&number, "1", &value, -ERANGE);
	assert_refuses(&number, "1025", &value, -ERANGE);
	assert_refuses(&number, "99999999999999999999999", &value, -ERANGE);
	assert_refuses(&number, "4K", &value, -EINVAL);
	assert_refuses(&number, "", &value, -EINVAL);
	assert_refuses(&number, "auto", &value, -EINVAL);
	assert_allows(&number, "2 to 1024");

	assert_parses(&count, "auto", &value, "auto");
	ck_assert_int_eq(value, 0);
	assert_parses(&count, "16", &value, "16");
	assert_refuses(&count, "0", &value, -ERANGE);
	assert_refuses(&count, "Auto", &value, -EINVAL);
	assert_allows(&count, "auto or 1 to 16");
}
END_TEST

START_TEST(sizes_and_spans)
{
	struct option size = ROW(type_size, "", "4K", "1M");
	struct option span = ROW(type_span, "", "100ms", "1h");
	uint64_t bytes = 5000;
	int64_t ms = 5000;

	assert_parses(&size, "4096", &bytes, "4K");
	assert_parses(&size, "1M", &bytes, "1M");
	ck_assert_uint_eq(bytes, 1 << 20);
	assert_refuses(&size, "4095", &bytes, -ERANGE);
	assert_refuses(&size, "1025K", &bytes, -ERANGE);
	assert_refuses(&size, "99999999T", &bytes, -ERANGE);
	assert_refuses(&size, "1MB", &bytes, -EINVAL);
	assert_allows(&size, "4K to 1M bytes (K, M, G, T: by powers of 1024)");

	assert_parses(&span, "100ms", &ms, "100ms");
	assert_parses(&span, "60m", &ms, "1h");
	ck_assert_int_eq(ms, 3600000);
	assert_refuses(&span, "99ms", &ms, -ERANGE);
	assert_refuses(&span, "61m", &ms, -ERANGE);
	assert_refuses(&span, "0", &ms, -ERANGE);
	assert_refuses(&span, "30", &ms, -EINVAL);
	assert_allows(&span, "100ms to 1h (units ms, s, m, h, d)");
}
END_TEST

START_TEST(paths)
{
	struct option option = ROW(type_path, "", "", "");
	struct option with_word = ROW(type_path, "auto", "", "");
	char *value = NULL;

	assert_parses(&option, "/etc/ssl/ca.pem", &value, "/etc/ssl/ca.pem");
	assert_refuses(&option, "ca.pem", &value, -EINVAL);
	assert_refuses(&option, "auto", &value, -EINVAL);
	assert_parses(&with_word, "auto", &value, "auto");
	assert_parses(&option, "", &value, "");
	ck_assert_ptr_null(value);
	assert_parses(&option, "/x", &value, "/x");
	option.type->release(&value);
	ck_assert_ptr_null(value);
	option.type->release(&value);
	assert_allows(&option, "a path that begins with \"/\", or nothing");
	assert_allows(&with_word, "a path that begins with \"/\", auto, or nothing");
}
END_TEST

START_TEST(urls_and_engines)
{
	struct option url = ROW(type_url, "http https", "", "");
	struct option engine = ROW(type_engine, "", "", "");
	char *value = NULL;

	assert_parses(&url, "https://a/", &value, "https://a");
	assert_refuses(&url, "a", &value, -EINVAL);
	assert_parses(&url, "", &value, "");
	ck_assert_ptr_null(value);
	assert_allows(&url, "http:// or https:// and HOST, HOST:PORT or either of them with a /PATH");

	assert_parses(&engine, "my_engine-2", &value, "my_engine-2");
	assert_refuses(&engine, "", &value, -EINVAL);
	assert_refuses(&engine, "a.b", &value, -EINVAL);
	assert_refuses(&engine, "a b", &value, -EINVAL);
	assert_refuses(&engine, "name-of-an-engine-of-33-characters", &value, -EINVAL);
	assert_allows(&engine, "1 to 32 letters, digits, \"_\" and \"-\"");
	engine.type->release(&value);
}
END_TEST

START_TEST(copies)
{
	struct option path = ROW(type_path, "", "", "");
	struct option number = ROW(type_number, "", "1", "9");
	struct option hosts = ROW(type_hosts, "", "", "");
	struct text_list list = {0}, other_list = {0};
	char *text = NULL, *other_text = strdup("/old");
	int one = 7, other = 8;

	assert_copies(&path, &text, &other_text);
	assert_parses(&path, "/x", &text, "/x");
	assert_copies(&path, &text, &other_text);
	assert_copies(&number, &one, &other);
	ck_assert_int_eq(other, 7);
	assert_parses(&hosts, "a", &list, "a");
	assert_parses(&hosts, "b", &list, "a\nb");
	assert_parses(&hosts, "c", &other_list, "c");
	assert_copies(&hosts, &list, &other_list);
	assert_copies(&hosts, &list, &other_list);
}
END_TEST

START_TEST(lists)
{
	struct option addresses = ROW(type_addresses, "", "", "");
	struct option hosts = ROW(type_hosts, "", "", "");
	struct text_list value = {0};

	ck_assert(addresses.type->repeatable);
	assert_parses(&addresses, "127.0.0.1:80", &value, "127.0.0.1:80");
	assert_parses(&addresses, "unix:/run/x", &value, "127.0.0.1:80\nunix:/run/x");
	ck_assert_uint_eq(value.count, 2);
	assert_refuses(&addresses, "127.0.0.1", &value, -EINVAL);
	assert_parses(&addresses, "", &value, "");
	ck_assert_uint_eq(value.count, 0);

	ck_assert(hosts.type->repeatable);
	assert_parses(&hosts, "cache.example.org", &value, "cache.example.org");
	assert_parses(&hosts, "[::1]", &value, "cache.example.org\n[::1]");
	assert_parses(&hosts, "a:80", &value, "cache.example.org\n[::1]\na:80");
	assert_parses(&hosts, "*", &value, "cache.example.org\n[::1]\na:80\n*");
	assert_refuses(&hosts, "a:x", &value, -EINVAL);
	assert_refuses(&hosts, "*.example.org", &value, -EINVAL);
	assert_refuses(&hosts, "unix:/run/x", &value, -EINVAL);
	assert_refuses(&hosts, "http://a", &value, -EINVAL);
	hosts.type->release(&value);
	ck_assert_ptr_null(value.items);
	assert_allows(&addresses, "HOST:PORT (127.0.0.1, [::1], localhost; others: see allow_remote) or unix:/PATH");
	assert_allows(&hosts, "HOST, HOST:PORT or *");
}
END_TEST

UNIT_MAIN("type", words, bools, choices, numbers_and_counts, sizes_and_spans, paths, urls_and_engines, copies, lists)
