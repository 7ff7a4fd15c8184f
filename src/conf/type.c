#include "conf/type.h"

#include "conf/address.h"
#include "conf/conf.h"
#include "conf/unit.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static size_t word_size(const char *words)
{
	return strcspn(words, " ");
}

static const char *word_next(const char *word)
{
	word += word_size(word);
	return *word ? word + 1 : word;
}

int words_find(const char *words, const char *word)
{
	int index = 0;

	for (; *words; words = word_next(words), index++)
		if (strlen(word) == word_size(words) && memcmp(words, word, word_size(words)) == 0)
			return index;
	return -1;
}

int words_list(const char *words, const char *suffix, struct buf *out)
{
	for (const char *word = words; *word; word = word_next(word)) {
		const char *separator = word == words ? "" : *word_next(word) ? ", " : " or ";
		int r = buf_printf(out, "%s%.*s%s", separator, (int)word_size(word), word, suffix);

		if (r < 0)
			return r;
	}
	return 0;
}

bool engine_name_valid(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++)
		if (!isascii((unsigned char)name[i]) || !(isalnum((unsigned char)name[i]) || strchr("_-", name[i])))
			return false;
	return size >= 1 && size <= 32;
}

/* Texts: a char * that the struct owns, NULL when empty. */

static int text_set(char **member, const char *text)
{
	char *copy = NULL;

	if (*text) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(*member);
	*member = copy;
	return 0;
}

static int text_print(const struct option *option, const void *member, struct buf *out)
{
	const char *text = *(char *const *)member;

	return text ? buf_add_text(out, text) : 0;
}

static int text_copy(void *to, const void *from)
{
	const char *text = *(char *const *)from;
	char *copy = NULL;

	if (text) {
		copy = strdup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(*(char **)to);
	*(char **)to = copy;
	return 0;
}

static void text_release(void *member)
{
	free(*(char **)member);
	*(char **)member = NULL;
}

static int url_type_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	char *url = NULL;

	if (*text) {
		int r = url_parse(text, option->words, &url, fail);

		if (r < 0)
			return r;
	}
	text_release(member);
	*(char **)member = url;
	return 0;
}

static int url_allowed(const struct option *option, struct buf *out)
{
	int r = words_list(option->words, "://", out);

	return r < 0 ? r : buf_add_text(out, " and HOST, HOST:PORT or either of them with a /PATH");
}

const struct option_type type_url = {"URL", false, url_type_parse, text_print, url_allowed, text_copy, text_release};

static int path_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	if (*text && *text != '/' && words_find(option->words, text) < 0)
		return fail_set(fail, -EINVAL, "\"%s\" is not an absolute path", text);
	return text_set(member, text);
}

static int path_allowed(const struct option *option, struct buf *out)
{
	const char *separator = *option->words ? ", " : "";

	return buf_printf(out, "a path that begins with \"/\"%s%s, or nothing", separator, option->words);
}

const struct option_type type_path = {"PATH", false, path_parse, text_print, path_allowed, text_copy, text_release};

/* No folders but absolute ones: where a daemon was started must not matter. */
static int object_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	if (*text && *text != '/' && strchr(text, '/'))
		return fail_set(fail, -EINVAL, "\"%s\" is neither an absolute path nor the name of a file", text);
	return text_set(member, text);
}

static int object_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "a path that begins with \"/\", a file's name without \"/\", or nothing");
}

const struct option_type type_object = {
        "FILE", false, object_parse, text_print, object_allowed, text_copy, text_release};

static int engine_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	if (!engine_name_valid(text))
		return fail_set(fail, -EINVAL, "\"%s\" is not the name of an engine", text);
	return text_set(member, text);
}

static int engine_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "1 to 32 letters, digits, \"_\" and \"-\"");
}

const struct option_type type_engine = {
        "NAME", false, engine_parse, text_print, engine_allowed, text_copy, text_release};

static int text_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	return text_set(member, text);
}

static int text_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "any text, or nothing");
}

const struct option_type type_text = {"TEXT", false, text_parse, text_print, text_allowed, text_copy, text_release};

static int secret_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	static const char prefix[] = "credential:";
	const char *name = text + strlen(prefix);

	if (strncmp(text, prefix, strlen(prefix)) == 0) {
		if (!*name || strchr(name, '/') || *name == '.')
			return fail_set(fail, -EINVAL, "\"%s\" is not the name of a credential", text);
	} else if (*text && *text != '/') {
		return fail_set(fail, -EINVAL, "that is neither an absolute path nor credential:NAME");
	}
	return text_set(member, text);
}

static int secret_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "a path that begins with \"/\", credential:NAME, or nothing");
}

const struct option_type type_secret = {
        "FILE", false, secret_parse, text_print, secret_allowed, text_copy, text_release};

static int proxy_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	if (strcmp(text, "none") == 0)
		return text_set(member, text);
	return url_type_parse(option, text, member, fail);
}

static int proxy_allowed(const struct option *option, struct buf *out)
{
	int r = buf_add_text(out, "none, nothing, or ");

	return r < 0 ? r : url_allowed(option, out);
}

const struct option_type type_proxy = {"URL", false, proxy_parse, text_print, proxy_allowed, text_copy, text_release};

/* Choices. */

static int bool_copy(void *to, const void *from)
{
	*(bool *)to = *(const bool *)from;
	return 0;
}

static int int_copy(void *to, const void *from)
{
	*(int *)to = *(const int *)from;
	return 0;
}

static int bool_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	int on = words_find("yes true on 1", text);
	int off = words_find("no false off 0", text);

	if (on < 0 && off < 0)
		return fail_set(fail, -EINVAL, "\"%s\" is neither yes nor no", text);
	*(bool *)member = on >= 0;
	return 0;
}

static int bool_print(const struct option *option, const void *member, struct buf *out)
{
	return buf_add_text(out, *(const bool *)member ? "yes" : "no");
}

static int bool_allowed(const struct option *option, struct buf *out)
{
	return buf_add_text(out, "yes or no");
}

const struct option_type type_bool = {"BOOL", false, bool_parse, bool_print, bool_allowed, bool_copy, NULL};

static int choice_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	int index = words_find(option->words, text);

	if (index < 0)
		return fail_set(fail, -EINVAL, "\"%s\" is not one of the choices", text);
	*(int *)member = index;
	return 0;
}

static int choice_print(const struct option *option, const void *member, struct buf *out)
{
	const char *word = option->words;

	for (int index = *(const int *)member; index > 0; index--)
		word = word_next(word);
	return buf_add(out, word, word_size(word));
}

static int choice_allowed(const struct option *option, struct buf *out)
{
	return words_list(option->words, "", out);
}

const struct option_type type_choice = {"CHOICE", false, choice_parse, choice_print, choice_allowed, int_copy, NULL};

/* Numbers. Every one is checked against the bounds of its row, which are written as the value is. */

static int out_of_bounds(const char *text, struct fail *fail)
{
	return fail_set(fail, -ERANGE, "%s is out of bounds", text);
}

static int number_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	int number, min, max, r = number_read(text, &number);

	if (r == -EINVAL)
		return fail_set(fail, r, "\"%s\" is not a number", text);
	if (number_read(option->min, &min) < 0 || number_read(option->max, &max) < 0)
		WRONG("a row's bounds are no numbers");
	if (r < 0 || number < min || number > max)
		return out_of_bounds(text, fail);
	*(int *)member = number;
	return 0;
}

static int number_print(const struct option *option, const void *member, struct buf *out)
{
	return buf_add_unsigned(out, (uint64_t) * (const int *)member);
}

static int number_allowed(const struct option *option, struct buf *out)
{
	return buf_printf(out, "%s to %s", option->min, option->max);
}

const struct option_type type_number = {"NUMBER", false, number_parse, number_print, number_allowed, int_copy, NULL};

static int count_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	if (strcmp(text, "auto") != 0)
		return number_parse(option, text, member, fail);
	*(int *)member = 0;
	return 0;
}

static int count_print(const struct option *option, const void *member, struct buf *out)
{
	return *(const int *)member == 0 ? buf_add_text(out, "auto") : number_print(option, member, out);
}

static int count_allowed(const struct option *option, struct buf *out)
{
	return buf_printf(out, "auto or %s to %s", option->min, option->max);
}

const struct option_type type_count = {"COUNT", false, count_parse, count_print, count_allowed, int_copy, NULL};

static int size_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	uint64_t size, min, max;
	int r = conf_parse_size(text, &size);

	if (r == -EINVAL)
		return fail_set(fail, r, "\"%s\" is not a size", text);
	if (conf_parse_size(option->min, &min) < 0 || conf_parse_size(option->max, &max) < 0)
		WRONG("a row's bounds are no sizes");
	if (r < 0 || size < min || size > max)
		return out_of_bounds(text, fail);
	*(uint64_t *)member = size;
	return 0;
}

static int size_type_print(const struct option *option, const void *member, struct buf *out)
{
	return size_print(*(const uint64_t *)member, out);
}

static int size_allowed(const struct option *option, struct buf *out)
{
	return buf_printf(out, "%s to %s bytes (K, M, G, T: by powers of 1024)", option->min, option->max);
}

static int size_copy(void *to, const void *from)
{
	*(uint64_t *)to = *(const uint64_t *)from;
	return 0;
}

const struct option_type type_size = {"SIZE", false, size_parse, size_type_print, size_allowed, size_copy, NULL};

static int span_parse(const struct option *option, const char *text, void *member, struct fail *fail)
{
	int64_t span, min, max;
	int r = conf_parse_span(text, &span);

	if (r == -EINVAL)
		return fail_set(fail, r, "\"%s\" is not a span of time", text);
	if (conf_parse_span(option->min, &min) < 0 || conf_parse_span(option->max, &max) < 0)
		WRONG("a row's bounds are no spans");
	if (r < 0 || span < min || span > max)
		return out_of_bounds(text, fail);
	*(int64_t *)member = span;
	return 0;
}

static int span_type_print(const struct option *option, const void *member, struct buf *out)
{
	return span_print(*(const int64_t *)member, out);
}

static int span_allowed(const struct option *option, struct buf *out)
{
	return buf_printf(out, "%s to %s (units ms, s, m, h, d)", option->min, option->max);
}

static int span_copy(void *to, const void *from)
{
	*(int64_t *)to = *(const int64_t *)from;
	return 0;
}

const struct option_type type_span = {"SPAN", false, span_parse, span_type_print, span_allowed, span_copy, NULL};
