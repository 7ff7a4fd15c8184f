#include "redmine/form.h"

#include "redmine/method.h"
#include "redmine/percent.h"
#include "redmine/query.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define FIELD        "_method"
#define FIELD_SIZE   (sizeof(FIELD) - 1)
#define PIECE_MAX    256 /* a longer name or value is not one of ours */
#define BOUNDARY_MAX 200

/* The type alone: "text/plain" of "Text/Plain ; charset=x". */
static bool media_type_is(const char *content_type, const char *type)
{
	size_t size = strcspn(content_type, ";, \t");

	return strlen(type) == size && strncasecmp(content_type, type, size) == 0;
}

static const char *method_or_post(const char *value, size_t size)
{
	const char *method = method_of_override(value, size);

	return method ? method : "POST";
}

/* Has a "%" without two digits; what the end of the body may have cut off is not counted. */
static bool is_malformed(const char *body, size_t size)
{
	for (size_t at = 0; at + 2 < size; at++)
		if (body[at] == '%' && (percent_digit(body[at + 1]) < 0 || percent_digit(body[at + 2]) < 0))
			return true;
	return false;
}

/* One "name=value" of an urlencoded body; found stays where the name is another one. */
static const char *piece_method(const char *raw, size_t size, const char *found)
{
	const char *equals = memchr(raw, '=', size);
	size_t name_size = equals ? (size_t)(equals - raw) : size;
	size_t value_size = equals ? size - name_size - 1 : 0;
	char name[PIECE_MAX], value[PIECE_MAX];
	const char *root, *rest;
	size_t root_size;

	if (name_size > sizeof(name))
		return found;
	name_size = percent_decode(name, raw, name_size, NULL);
	root_size = query_name_root(name, name_size, &root);
	if (root_size != FIELD_SIZE || memcmp(root, FIELD, FIELD_SIZE) != 0)
		return found;
	rest = root + root_size;
	while (rest < name + name_size && *rest == ']')
		rest++;
	if (rest == name + name_size - 1 && *rest == '[')
		return found; /* "_method[" is a name of its own */
	if (rest < name + name_size || value_size > sizeof(value))
		return "POST"; /* an array or a hash */
	if (!equals)
		return NULL; /* nil: as if it were not there */
	return method_or_post(value, percent_decode(value, equals + 1, value_size, NULL));
}

static const char *urlencoded_method(const char *body, size_t size)
{
	const char *found = NULL;

	if (is_malformed(body, size))
		return NULL; /* Rack refuses the body, then looks at the header */
	for (size_t at = 0; at < size; at++) {
		const char *end = memchr(body + at, '&', size - at);
		size_t piece = (end ? (size_t)(end - body) : size) - at;

		while (at > 0 && piece > 0 && body[at] == ' ') { /* Rack splits at a "&" and any spaces behind it */
			at++;
			piece--;
		}
		if (!end && piece > 0 && body[at + piece - 1] == '\0')
			piece--; /* Safari's; Rack::Request#POST */
		if (piece > 0)
			found = piece_method(body + at, piece, found);
		at += piece;
	}
	return found;
}

/* "--" and the boundary parameter (RFC 2046 5.1.1). False: none. */
static bool multipart_boundary(const char *content_type, char *ret, size_t *ret_size)
{
	const char *at = strcasestr(content_type, "boundary=");
	size_t size;

	if (!at)
		return false;
	at += strlen("boundary=");
	if (*at == '"') {
		at++;
		size = strcspn(at, "\"");
	} else {
		size = strcspn(at, ";, \t");
	}
	if (size == 0 || size > BOUNDARY_MAX)
		return false;
	memcpy(ret, "--", 2);
	memcpy(ret + 2, at, size);
	*ret_size = size + 2;
	return true;
}

/* True when a part's header block names the field: name=_method or name="_method", whatever stands around it. */
static bool part_is_method(const char *head, size_t size)
{
	for (size_t at = 0; at + 5 + FIELD_SIZE <= size; at++) {
		size_t name = at + 5;

		if (strncasecmp(head + at, "name=", 5) != 0)
			continue;
		if (at > 0 && head[at - 1] != ' ' && head[at - 1] != ';' && head[at - 1] != '\t')
			continue; /* filename= */
		if (head[name] == '"')
			name++;
		if (name + FIELD_SIZE <= size && memcmp(head + name, FIELD, FIELD_SIZE) == 0 &&
		        (name + FIELD_SIZE == size || strchr("\"; \t\r\n", head[name + FIELD_SIZE])))
			return true;
	}
	return false;
}

static const char *multipart_method(const char *content_type, const char *body, size_t size)
{
	char boundary[BOUNDARY_MAX + 2];
	const char *found = NULL, *end = body + size, *part;
	size_t boundary_size;

	if (!multipart_boundary(content_type, boundary, &boundary_size))
		return NULL;
	part = memmem(body, size, boundary, boundary_size);
	while (part) {
		const char *head = part + boundary_size;
		const char *next = memmem(head, (size_t)(end - head), boundary, boundary_size);
		const char *stop = next ? next : end;
		const char *value = memmem(head, (size_t)(stop - head), "\r\n\r\n", 4);

		if (value && part_is_method(head, (size_t)(value - head))) {
			value += 4;
			if (next && stop - value >= 2)
				stop -= 2; /* the line end belongs to the boundary */
			found = method_or_post(value, (size_t)(stop - value));
		}
		part = next;
	}
	return found;
}

const char *form_method(const char *content_type, const char *body, size_t size)
{
	if (size == 0)
		return NULL;
	if (!content_type || *content_type == '\0' || media_type_is(content_type, "application/x-www-form-urlencoded"))
		return urlencoded_method(body, size);
	if (media_type_is(content_type, "multipart/form-data") || media_type_is(content_type, "multipart/related") ||
	        media_type_is(content_type, "multipart/mixed"))
		return multipart_method(content_type, body, size);
	return NULL;
}
