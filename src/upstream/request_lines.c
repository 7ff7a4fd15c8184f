#include "upstream/request_lines.h"

/* Lines that libcurl adds unless it is told otherwise: "Name:" takes one away. Those but the first go with a body. */
static const char *const own[] = {"Accept", "Expect", "User-Agent", "Content-Type"};

static size_t count_own(const struct job *job)
{
	return job->has_body ? ARRAY_SIZE(own) : 1;
}

struct lines {
	struct curl_slist *nodes, *next;
	char *text;
};

static void append(struct lines *l, const char *name, const char *between, const char *value)
{
	struct curl_slist *node = l->next++;
	size_t name_size = strlen(name), between_size = strlen(between), value_size = strlen(value);

	if (node > l->nodes)
		node[-1].next = node;
	*node = (struct curl_slist){.data = l->text};
	memcpy(l->text, name, name_size);
	memcpy(l->text + name_size, between, between_size);
	memcpy(l->text + name_size + between_size, value, value_size + 1);
	l->text += name_size + between_size + value_size + 1;
}

struct curl_slist *request_lines_new(const struct job *job)
{
	static const char gzip[] = "gzip";
	const struct fields *fields = &job->fields;
	size_t owns = count_own(job), count = fields->count + owns + 1;
	size_t bytes = fields_size(fields) + sizeof("Accept-Encoding: ") + sizeof(gzip);
	struct lines l;

	for (size_t i = 0; i < owns; i++)
		bytes += strlen(own[i]) + sizeof(":");
	l.nodes = malloc(count * sizeof(*l.nodes) + bytes);
	if (!l.nodes)
		return NULL;
	l.next = l.nodes;
	l.text = (char *)(l.nodes + count);
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->items[i];

		append(&l, field->name, field->value[0] ? ": " : ";", field->value); /* "Name;" for an empty value */
	}
	if (job->accept_gzip)
		append(&l, "Accept-Encoding", ": ", gzip);
	for (size_t i = 0; i < owns; i++)
		if (!fields_get(fields, own[i]))
			append(&l, own[i], ":", "");
	return l.nodes; /* never empty: what is not there is taken away */
}
