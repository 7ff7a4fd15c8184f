/* The options of a plug-in: words "name=value" with spaces between them. */
#include "engine/plugin.h"

#include <errno.h>

#define BLANKS " \t"

/* The next word of the text, and behind it; false: none. */
static bool next_word(const char **text, const char **ret, size_t *ret_size)
{
	*text += strspn(*text, BLANKS);
	*ret = *text;
	*ret_size = strcspn(*text, BLANKS);
	*text += *ret_size;
	return *ret_size > 0;
}

static bool is_among(const char *names, const char *name, size_t size)
{
	const char *known;
	size_t known_size;

	while (next_word(&names, &known, &known_size))
		if (known_size == size && memcmp(known, name, size) == 0)
			return true;
	return false;
}

int plugin_option(struct rc_engine *face, const char *name, char *room, size_t size)
{
	const char *text = face->options, *word;
	size_t word_size, name_size = strlen(name);

	while (next_word(&text, &word, &word_size)) {
		if (word_size <= name_size || word[name_size] != '=' || memcmp(word, name, name_size) != 0)
			continue;
		if (word_size - name_size - 1 >= size)
			return -ENOBUFS;
		memcpy(room, word + name_size + 1, word_size - name_size - 1);
		room[word_size - name_size - 1] = '\0';
		return (int)(word_size - name_size - 1);
	}
	return -ENOENT;
}

int plugin_options_known(struct rc_engine *face, const char *names, char *why, size_t why_size)
{
	const char *text = face->options, *word;
	size_t word_size;

	while (next_word(&text, &word, &word_size)) {
		const char *sign = memchr(word, '=', word_size);
		size_t size = sign ? (size_t)(sign - word) : word_size;
		const char *rest = text, *later;
		size_t later_size;

		if (!sign || !is_among(names, word, size)) {
			snprintf(why, why_size, "\"%.*s\" is %s; allowed are, as NAME=VALUE: %s", (int)word_size, word,
			        sign ? "no option" : "not of the form NAME=VALUE", names);
			return -EINVAL;
		}
		while (next_word(&rest, &later, &later_size)) {
			if (later_size > size && later[size] == '=' && memcmp(later, word, size) == 0) {
				snprintf(why, why_size, "\"%.*s\" is given twice", (int)size, word);
				return -EINVAL;
			}
		}
	}
	return 0;
}
