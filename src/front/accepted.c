#include "front/accepted.h"

#include <strings.h>

#define UNSAID (-1)

/* In thousandths. */
struct qualities {
	int gzip, zstd, plain, any;
};

/* What stands behind "q=": 0 to 1 with at most three digits behind the point; what is none counts as 0. */
static int read_quality(const char *text, size_t size)
{
	int quality = 0, unit = 100;

	if (size > 0 && text[0] == '1')
		return 1000;
	if (size < 3 || text[0] != '0' || text[1] != '.')
		return 0;
	for (size_t i = 2; i < size && text[i] >= '0' && text[i] <= '9'; i++, unit /= 10)
		quality += (text[i] - '0') * unit;
	return quality;
}

/* The quality of the member "gzip;q=0.5" behind its name. */
static int quality_of(const char *parameters, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (parameters[i] != ';')
			continue;
		i += 1 + strspn(parameters + i + 1, " \t");
		if (i + 2 <= size && strncasecmp(parameters + i, "q=", 2) == 0)
			return read_quality(parameters + i + 2, size - i - 2);
	}
	return 1000;
}

static bool is_named(const char *member, size_t size, const char *name)
{
	return size == strlen(name) && strncasecmp(member, name, size) == 0;
}

static void read_member(struct qualities *q, const char *member, size_t size)
{
	size_t name = 0;
	int quality;

	while (name < size && !strchr(" \t;", member[name]))
		name++;
	quality = quality_of(member + name, size - name);
	if (is_named(member, name, "gzip") || is_named(member, name, "x-gzip"))
		q->gzip = quality;
	else if (is_named(member, name, "zstd"))
		q->zstd = quality;
	else if (is_named(member, name, "identity"))
		q->plain = quality;
	else if (is_named(member, name, "*"))
		q->any = quality;
}

static void read_list(struct qualities *q, const char *value)
{
	while (*(value += strspn(value, " \t,"))) {
		size_t size = strcspn(value, ",");

		read_member(q, value, size);
		value += size;
	}
}

/* What is not named is as "*" says. */
static int in_force(int quality, int any)
{
	if (quality != UNSAID)
		return quality;
	return any == UNSAID ? 0 : any;
}

enum blob_coding accepted_coding(const struct fields *request)
{
	struct qualities q = {UNSAID, UNSAID, UNSAID, UNSAID};
	int gzip, zstd = 0;

	for (size_t i = 0; i < request->count; i++)
		if (field_name_is(request->items[i].name, "Accept-Encoding"))
			read_list(&q, request->items[i].value);
	gzip = in_force(q.gzip, q.any);
#ifdef HAVE_ZSTD
	zstd = in_force(q.zstd, q.any);
#endif
	if (zstd > 0 && zstd >= gzip && zstd >= q.plain)
		return BLOB_ZSTD;
	return gzip > 0 && gzip >= q.plain ? BLOB_GZIP : BLOB_PLAIN;
}
