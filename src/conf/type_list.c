#include "conf/type.h"

#include "conf/address.h"
#include "conf/schedule.h"
#include "conf/conf.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Lists: each value is one more item, an empty one forgets those before it. */

static void list_release(void *member)
{
	struct text_list *list = member;

	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct text_list){0};
}

static int list_add(struct text_list *list, const char *text)
{
	char **items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count] = strdup(text);
	if (!items[list->count])
		return -ENOMEM;
	list->count++;
	return 0;
}

static int list_copy(void *to, const void *from)
{
	const struct text_list *list = from;
	struct text_list copy = {0};

	for (size_t i = 0; i < list->count; i++)
		if (list_add(&copy, list->items[i]) < 0) {
			list_release(&copy);
			return -ENOMEM;
		}
	list_release(to);
	*(struct text_list *)to = copy;
	return 0;
}

static int list_print(const struct option *option, const void *member, struct buf *out)
{
	const struct text_list *list = member;

	for (size_t i = 0; i < list->count; i++) {
		int r = buf_printf(out, "%s%s", i ? "\n" : "", list->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int addresses_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	struct address address;
	int r;

	if (!*text) {
		list_release(member);
		return 0;
	}
	r = address_parse(text, &address, fail);
	return r < 0 ? r : list_add(member, text);
}

static int addresses_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "HOST:PORT (127.0.0.1, [::1], localhost; others: see allow_remote) or unix:/PATH");
}

const struct option_type type_addresses = {
        "ADDRESS", true, addresses_parse, list_print, addresses_allowed, list_copy, list_release};

/* A host alone, or with the port that it then has to have. */
static bool host_and_port_valid(const char *text)
{
	struct address address;

	return host_valid(text, strlen(text)) ||
	       (address_parse(text, &address, NULL) == 0 && address.kind == ADDRESS_TCP);
}

static int hosts_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	if (!*text) {
		list_release(member);
		return 0;
	}
	if (strcmp(text, "*") != 0 && !host_and_port_valid(text))
		return fail_set(fail, -EINVAL, "\"%s\" is not a host", text);
	return list_add(member, text);
}

static int hosts_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "HOST, HOST:PORT or *");
}

const struct option_type type_hosts = {"HOST", true, hosts_parse, list_print, hosts_allowed, list_copy, list_release};

static int origins_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	CLEANUP(freep) char *origin = NULL;
	int r;

	if (!*text) {
		list_release(member);
		return 0;
	}
	r = url_parse(text, "http https", &origin, fail);
	if (r < 0)
		return r;
	if (strchr(strstr(origin, "://") + 3, '/'))
		return fail_set(fail, -EINVAL, "\"%s\" has a path, which an origin has not", text);
	for (char *at = origin; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return list_add(member, origin);
}

static int origins_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "http://HOST, http://HOST:PORT or the same with https");
}

const struct option_type type_origins = {
        "ORIGIN", true, origins_parse, list_print, origins_allowed, list_copy, list_release};

/* Whether there is such a session is looked up when all is read. */
static int reads_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	size_t size = strcspn(text, " ");

	if (!*text) {
		list_release(member);
		return 0;
	}
	if (size == 0 || text[size] != ' ' || text[size + 1] != '/' || strpbrk(text + size + 1, " \t#"))
		return fail_set(fail, -EINVAL, "\"%s\" is not a session and a path", text);
	return list_add(member, text);
}

static int reads_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "SESSION /PATH");
}

const struct option_type type_reads = {"READ", true, reads_parse, list_print, reads_allowed, list_copy, list_release};

static int times_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	struct schedule_time time;
	int r;

	if (!*text) {
		list_release(member);
		return 0;
	}
	r = schedule_parse(&time, text, fail);
	return r < 0 ? r : list_add(member, text);
}

static int times_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "HH:MM or HH:MM-HH:MM, after days such as mon-fri or sat,sun and a space, or without");
}

const struct option_type type_times = {"TIME", true, times_parse, list_print, times_allowed, list_copy, list_release};

/* Words: a list on one line, so that each [section "NAME"] has its own. */

static int words_add(struct text_list *list, const char *word, size_t size)
{
	CLEANUP(freep) char *copy = strndup(word, size);

	return copy ? list_add(list, copy) : -ENOMEM;
}

/* Splits at white space and lets each word be judged. 0, -EINVAL, -ENOMEM; on failure the member is left alone. */
static int words_parse(
        const char *text, void *member, int (*judge)(const char *word, struct fail *fail), struct fail *fail)
{
	struct text_list list = {0};
	int r = 0;

	for (text += strspn(text, " \t"); *text && r == 0; text += strspn(text, " \t")) {
		size_t size = strcspn(text, " \t");

		r = words_add(&list, text, size);
		if (r == 0)
			r = judge(list.items[list.count - 1], fail);
		text += size;
	}
	if (r < 0) {
		list_release(&list);
		return r;
	}
	list_release(member);
	*(struct text_list *)member = list;
	return 0;
}

static int words_print(const struct option *option, const void *member, struct buf *out)
{
	const struct text_list *list = member;

	for (size_t i = 0; i < list->count; i++) {
		int r = buf_printf(out, "%s%s", i ? " " : "", list->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int judge_listener(const char *word, struct fail *fail)
{
	struct address address;

	return address_parse(word, &address, fail);
}

static int listeners_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	return words_parse(text, member, judge_listener, fail);
}

static int listeners_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "values of listen.address, separated by spaces, or nothing");
}

const struct option_type type_listeners = {
        "ADDRESSES", false, listeners_parse, words_print, listeners_allowed, list_copy, list_release};

/* Portable names (POSIX 3.437) and numbers; whether there is such an account is looked up when all is read. */
static int judge_account(const char *word, struct fail *fail)
{
	for (const char *at = word; *at; at++)
		if (!isascii((unsigned char)*at) || !(isalnum((unsigned char)*at) || strchr("._-", *at)))
			return fail_set(fail, -EINVAL, "\"%s\" is neither a number nor a name", word);
	return 0;
}

static int accounts_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	return words_parse(text, member, judge_account, fail);
}

static int accounts_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "numbers or names, separated by spaces, or nothing");
}

const struct option_type type_accounts = {
        "ACCOUNTS", false, accounts_parse, words_print, accounts_allowed, list_copy, list_release};
