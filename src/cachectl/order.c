#include "cachectl/order.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#define SELECTION " url pattern tag identity "

static const struct order orders[] = {
        {"status", "", "what the daemon does and how it is", " ", NULL, NULL, show_status, NULL},
        {"top", "[--interval MS] [--count N]", "the same live, with the busiest URLs", " interval count ", NULL,
                show_top, NULL, NULL},
        {"tail",
                "[--pattern GLOB] [--status 404|5xx] [--cache WORD] [--identity ID] [--method M] [--resource R] [--slow MS]",
                "requests as they end", " pattern status cache identity method resource slow count ", NULL,
                show_request, NULL, NULL},
        {"explain", "URL", "what is known of a URL: its rule, its tags, what is stored, why it was asked for last", " ",
                "url", NULL, show_explained, NULL},
        {"purge", "[--soft] --url URL | --pattern GLOB | --tag TAG | --identity ID | --all",
                "remove what is stored; --soft: let it stay, but have Redmine validate it before it is served again",
                SELECTION " soft all ", NULL, NULL, show_purged, NULL},
        {"entries", "[--url URL] [--pattern GLOB] [--tag TAG] [--identity ID] [--limit N]", "what is stored",
                SELECTION " limit ", NULL, show_entry, show_entries_sum, NULL},
        {"warm", "[--key-file FILE | --session NAME] URL...",
                "fetch URLs into the cache; - reads them from standard input", " key-file session ", "urls",
                show_warmed, show_warm_sum, show_warm_failed},
        {"dump", "FILE", "write what is stored to a file, to be restored later; - is standard output", " ", "file",
                NULL, show_dumped, NULL},
        {"restore", "FILE", "put what a dump holds back into the cache, as far as it still holds; - is standard input",
                " ", "file", NULL, show_restored, NULL},
        {"engines", "", "the engines and their workers", " ", NULL, NULL, show_engines, NULL},
        {"sessions", "", "the named sessions of the settings", " ", NULL, NULL, show_sessions, NULL},
        {"check", "", "read the daemon's settings anew without putting them in force", " ", NULL, NULL, show_said,
                NULL},
        {"reload", "", "put the daemon's settings in force anew", " ", NULL, NULL, show_said, NULL},
};

enum kind { TEXT, NUMBER, FLAG, KEY_FILE, COUNT, SOCKET, JSON, HELP };

static const struct {
	const char *option, *argument;
	enum kind kind;
} kinds[] = {
        {"url", "url", TEXT},
        {"pattern", "pattern", TEXT},
        {"tag", "tag", TEXT},
        {"identity", "identity", TEXT},
        {"status", "status", TEXT},
        {"cache", "cache", TEXT},
        {"method", "method", TEXT},
        {"resource", "resource", TEXT},
        {"session", "session", TEXT},
        {"limit", "limit", NUMBER},
        {"slow", "slow_ms", NUMBER},
        {"interval", "interval_ms", NUMBER},
        {"soft", "soft", FLAG},
        {"all", "all", FLAG},
        {"key-file", "key", KEY_FILE},
        {"count", NULL, COUNT},
        {"socket", NULL, SOCKET},
        {"json", NULL, JSON},
        {"help", NULL, HELP},
};

const struct order *order_at(size_t index)
{
	return index < ARRAY_SIZE(orders) ? &orders[index] : NULL;
}

const struct order *order_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (strcmp(orders[i].name, name) == 0)
			return &orders[i];
	return NULL;
}

/* The program's own options go with every command. */
static bool takes(const struct order *order, size_t kind)
{
	char word[32];

	if (kinds[kind].kind >= SOCKET)
		return true;
	snprintf(word, sizeof(word), " %s ", kinds[kind].option);
	return strstr(order->options, word) != NULL;
}

static bool has_value(enum kind kind)
{
	return kind != FLAG && kind != JSON && kind != HELP;
}

static int read_number(const char *option, const char *text, int64_t *ret, struct fail *fail)
{
	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 12)
		return fail_set(fail, -EINVAL, "--%s: \"%s\" is no number", option, text);
	*ret = strtoll(text, NULL, 10);
	return 0;
}

/* The first line of the file: on the command line everybody could read it. */
static int read_key(const char *path, struct json_object *arguments, struct fail *fail)
{
	FILE *file = fopen(path, "r");
	char key[512] = "";

	if (!file || !fgets(key, sizeof(key), file)) {
		int r = file ? -EINVAL : -errno;

		if (file)
			fclose(file);
		return fail_set(fail, r, "--key-file %s: %s", path, r == -EINVAL ? "it is empty" : strerror(-r));
	}
	fclose(file);
	key[strcspn(key, "\r\n")] = '\0';
	json_object_object_add(arguments, "key", json_object_new_string(key));
	explicit_bzero(key, sizeof(key));
	return 0;
}

static int read_option(
        struct json_object *arguments, size_t kind, const char *text, struct own_options *own, struct fail *fail)
{
	int64_t number = 0;
	int r = 0;

	switch (kinds[kind].kind) {
	case TEXT:
		json_object_object_add(arguments, kinds[kind].argument, json_object_new_string(text));
		return 0;
	case NUMBER:
		r = read_number(kinds[kind].option, text, &number, fail);
		json_object_object_add(arguments, kinds[kind].argument, json_object_new_int64(number));
		return r;
	case FLAG:
		json_object_object_add(arguments, kinds[kind].argument, json_object_new_boolean(true));
		return 0;
	case KEY_FILE:
		return read_key(text, arguments, fail);
	case COUNT:
		r = read_number(kinds[kind].option, text, &number, fail);
		own->most = (unsigned)number;
		return r;
	case SOCKET:
		own->socket = text;
		return 0;
	case JSON:
		own->json = true;
		return 0;
	case HELP:
		own->help = true;
		return 0;
	}
	WRONG("a kind outside its enum");
}

static void add_lines(struct json_object *array, FILE *file)
{
	CLEANUP(freep) char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, file) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0])
			json_object_array_add(array, json_object_new_string(line));
	}
}

static int read_urls(
        const struct order *order, struct json_object *arguments, int count, char **words, struct fail *fail)
{
	struct json_object *array = json_object_new_array();

	json_object_object_add(arguments, order->operand, array);
	for (int i = 0; i < count; i++) {
		if (strcmp(words[i], "-") == 0)
			add_lines(array, stdin);
		else
			json_object_array_add(array, json_object_new_string(words[i]));
	}
	if (json_object_array_length(array) == 0)
		return fail_set(fail, -EINVAL, "%s needs a URL; standard input has none", order->name);
	return 0;
}

static int read_operands(const struct order *order, struct json_object *arguments, int count, char **words,
        struct own_options *own, struct fail *fail)
{
	if (order->operand && strcmp(order->operand, "file") == 0) {
		own->file = count > 0 ? words[0] : NULL;
		return count == 1 ? 0 : fail_set(fail, -EINVAL, "%s needs one FILE, or -", order->name);
	}
	if (!order->operand)
		return count > 0 ? fail_set(fail, -EINVAL, "%s: \"%s\" is too much", order->name, words[0]) : 0;
	if (count == 0)
		return fail_set(fail, -EINVAL, "%s needs a URL", order->name);
	if (strcmp(order->operand, "url") != 0)
		return read_urls(order, arguments, count, words, fail);
	json_object_object_add(arguments, "url", json_object_new_string(words[0]));
	return count > 1 ? fail_set(fail, -EINVAL, "%s takes one URL", order->name) : 0;
}

/* The first word that looks like a long option and is none by its whole name: getopt_long() takes the beginning of one, too. */
static const char *find_unknown(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		size_t kind = 0, size = strcspn(argv[i], "=");

		if (strncmp(argv[i], "--", 2) != 0)
			continue;
		while (kind < ARRAY_SIZE(kinds) &&
		        (strncmp(kinds[kind].option, argv[i] + 2, size - 2) != 0 || kinds[kind].option[size - 2]))
			kind++;
		if (kind == ARRAY_SIZE(kinds))
			return argv[i];
		if (has_value(kinds[kind].kind) && !argv[i][size])
			i++;
	}
	return NULL;
}

static int refuse_option(const struct order *order, const char *dashes, const char *name, struct fail *fail)
{
	if (!order->usage[0])
		return fail_set(fail, -EINVAL, "%s%s is no option of %s, which takes none", dashes, name, order->name);
	return fail_set(
	        fail, -EINVAL, "%s%s is no option of %s: %s %s", dashes, name, order->name, order->name, order->usage);
}

struct json_object *order_arguments(
        const struct order *order, int argc, char **argv, struct own_options *own, struct fail *fail)
{
	struct json_object *arguments = json_object_new_object();
	struct option options[ARRAY_SIZE(kinds) + 1] = {0};
	const char *unknown = find_unknown(argc, argv);
	int found, r = unknown ? refuse_option(order, "", unknown, fail) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		options[i] = (struct option){
		        kinds[i].option, has_value(kinds[i].kind) ? required_argument : no_argument, NULL, (int)i};
	optind = 0;
	opterr = 0;
	while (r == 0 && (found = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (found == ':')
			r = fail_set(fail, -EINVAL, "%s needs a value", argv[optind - 1]);
		else if (found == '?')
			r = refuse_option(order, "", argv[optind - 1], fail);
		else if (!takes(order, (size_t)found))
			r = refuse_option(order, "--", kinds[found].option, fail);
		else
			r = read_option(arguments, (size_t)found, optarg, own, fail);
	}
	if (r == 0 && !own->help)
		r = read_operands(order, arguments, argc - optind, argv + optind, own, fail);
	if (r == 0)
		return arguments;
	json_object_put(arguments);
	return NULL;
}
