#include "redmine/request_fields.h"

#include "base/macros.h"

#include <string.h>

/* Without the variable part; a name that ends in "-" stands for all that begin so. */
static const char *const kept_back[] = {
        "Client-IP",
        "Forwarded",
        "Redmine-Cached-",
        "X-Accel-",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "X-Forwarded-Proto",
        "X-Forwarded-Scheme",
        "X-Forwarded-Server",
        "X-Forwarded-Ssl",
        "X-Sendfile-Type",
};

static char fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '_' ? '-' : c;
}

bool request_field_is(const char *name, const char *other)
{
	while (fold(*name) == fold(*other)) {
		if (*name == '\0')
			return true;
		name++;
		other++;
	}
	return false;
}

size_t request_field_count(const struct fields *fields, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < fields->count; i++)
		count += request_field_is(fields->items[i].name, name);
	return count;
}

size_t request_field_digest(struct digest *d, const struct fields *fields, const char *name)
{
	uint64_t count = 0;
	bool empty = true;

	for (size_t i = 0; i < fields->count; i++) {
		if (!request_field_is(fields->items[i].name, name))
			continue;
		count++;
		empty = empty && fields->items[i].value[0] == '\0';
	}
	if (count == 1 && empty)
		count = 0;
	digest_add(d, &count, sizeof(count));
	for (size_t i = 0; count > 0 && i < fields->count; i++)
		if (request_field_is(fields->items[i].name, name))
			digest_add_text(d, fields->items[i].value);
	return count;
}

static bool begins_with(const char *name, const char *beginning)
{
	while (*beginning != '\0')
		if (fold(*name++) != fold(*beginning++))
			return false;
	return true;
}

bool request_field_forwardable(const char *name)
{
	if (strchr(name, '_'))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kept_back); i++) {
		const char *other = kept_back[i];
		bool open = other[strlen(other) - 1] == '-';

		if (open ? begins_with(name, other) : request_field_is(name, other))
			return false;
	}
	return true;
}
