#include "redmine/paging.h"

#include "redmine/percent.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define NAME_MAX_SIZE 64
#define SORT_MAX_SIZE 256
#define ABSENT        (-1)
#define ODD           (-2)

/* One parameter; slices of the query. */
struct parameter {
	const char *text; /* from its name on */
	size_t size;      /* up to the next "&" */
	const char *value;
	size_t value_size;
	char name[NAME_MAX_SIZE]; /* decoded; "" when it is longer */
};

/* The next parameter from *at on. False when there is none left. */
static bool next_parameter(const char *query, size_t size, size_t *at, struct parameter *ret)
{
	const char *end, *equals;
	size_t name_size;

	if (*at >= size)
		return false;
	end = memchr(query + *at, '&', size - *at);
	ret->text = query + *at;
	ret->size = end ? (size_t)(end - ret->text) : size - *at;
	equals = memchr(ret->text, '=', ret->size);
	name_size = equals ? (size_t)(equals - ret->text) : ret->size;
	ret->value = equals ? equals + 1 : ret->text + ret->size;
	ret->value_size = (size_t)(ret->text + ret->size - ret->value);
	ret->name[0] = '\0';
	if (name_size < NAME_MAX_SIZE)
		ret->name[percent_decode(ret->name, ret->text, name_size, NULL)] = '\0';
	*at += ret->size + 1;
	return true;
}

static bool is_window(const char *name)
{
	return strcmp(name, "limit") == 0 || strcmp(name, "offset") == 0 || strcmp(name, "page") == 0;
}

/* A name that Rack would make a hash or an array of: Redmine answers 500, or 25 rows. */
static bool is_odd(const char *name)
{
	name += strspn(name, "[");
	for (size_t i = 0; i < 3; i++) {
		static const char *const words[] = {"limit", "offset", "page"};
		size_t size = strlen(words[i]);

		if (strncmp(name, words[i], size) == 0 && (name[size] == '[' || name[size] == ']'))
			return true;
	}
	return false;
}

static int64_t number_of(const struct parameter *p)
{
	int64_t value = 0;

	if (p->value_size == 0 || p->value_size > 12)
		return ODD;
	for (size_t i = 0; i < p->value_size; i++) {
		if (p->value[i] < '0' || p->value[i] > '9')
			return ODD;
		value = value * 10 + (p->value[i] - '0');
	}
	return value;
}

/* "id", "id:desc", "id,..." */
static bool is_id(const struct parameter *p)
{
	static const char *const ends[] = {":", ",", "%3A", "%3a", "%2C", "%2c"};

	if (p->value_size < 2 || memcmp(p->value, "id", 2) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (p->value_size > 2 + strlen(ends[i]) && memcmp(p->value + 2, ends[i], strlen(ends[i])) == 0)
			return true;
	return p->value_size == 2;
}

/*
 * Does this filter by id already, or say that filters come in Redmine's long form, which short ones do not go together
 * with? (IssueQuery; f[]=, also an empty one, switches the short form off.)
 */
static bool is_filter_by_id(const char *name)
{
	name += strspn(name, "[");
	return strncmp(name, "issue_id", 8) == 0 || strncmp(name, "fields", 6) == 0 ||
	       (name[0] == 'f' && (name[1] == '\0' || name[1] == '[' || name[1] == ']')) || name[0] == '\0';
}

/*
 * Is the list sorted by an issue's own columns only? Not those that change without a change of updated_on: sums of hours, the tree,
 * custom fields (redmine-api.md 6.2).
 */
static bool is_own_order(const struct parameter *p)
{
	static const char *const own[] = {"id", "tracker", "status", "priority", "subject", "author", "assigned_to",
	        "updated_on", "category", "fixed_version", "project", "start_date", "due_date", "estimated_hours",
	        "done_ratio", "created_on", "closed_on"};
	char keys[SORT_MAX_SIZE + 1], *rest = NULL;

	if (p->value_size > SORT_MAX_SIZE)
		return false;
	keys[percent_decode(keys, p->value, p->value_size, NULL)] = '\0';
	for (char *key = strtok_r(keys, ",", &rest); key; key = strtok_r(NULL, ",", &rest)) {
		size_t i = 0;

		key[strcspn(key, ":")] = '\0';
		while (i < ARRAY_SIZE(own) && strcmp(own[i], key) != 0)
			i++;
		if (i == ARRAY_SIZE(own))
			return false;
	}
	return true;
}

bool paging_read(struct paging *ret, const char *query, size_t size)
{
	struct paging paging = {.limit = ABSENT, .offset = ABSENT, .page = ABSENT, .below = true, .looks = true};
	struct parameter p;
	bool regrouped = false, own_order = true;

	if (size > 0 && memchr(query, ';', size))
		return false;
	for (size_t at = 0; next_parameter(query, size, &at, &p);) {
		if (is_odd(p.name))
			return false;
		paging.below &= p.size == 0 || !is_filter_by_id(p.name);
		paging.looks &= strncmp(p.name, "updated_on", 10) != 0;
		if (strcmp(p.name, "limit") == 0) {
			paging.limit = number_of(&p);
			paging.all = p.value_size == 3 && memcmp(p.value, "all", 3) == 0;
		} else if (strcmp(p.name, "offset") == 0) {
			paging.offset = number_of(&p);
		} else if (strcmp(p.name, "page") == 0) {
			paging.page = number_of(&p);
		} else if (strcmp(p.name, "nometa") == 0) {
			paging.nometa = p.value_size > 0;
		} else if (strcmp(p.name, "sort") == 0) {
			paging.sorted = p.value_size > 0;
			own_order = is_own_order(&p);
			paging.by_id = is_id(&p);
		} else if (strcmp(p.name, "query_id") == 0 || strcmp(p.name, "group_by") == 0) {
			regrouped |= p.value_size > 0;
		}
	}
	paging.sorted |= regrouped;
	paging.by_id &= !regrouped;
	paging.looks &= paging.below && paging.sorted && !regrouped && own_order;
	paging.below &= !paging.sorted;
	*ret = paging;
	return true;
}

static int add_separator(struct buf *out, size_t start)
{
	return out->size > start ? buf_add_char(out, '&') : 0;
}

static int write_window(const char *query, size_t size, int64_t offset, int64_t limit, bool sorted, struct buf *out)
{
	size_t start = out->size;
	struct parameter p;
	int r = 0;

	for (size_t at = 0; r == 0 && next_parameter(query, size, &at, &p);) {
		if (is_window(p.name) || strcmp(p.name, "nometa") == 0 || p.size == 0 ||
		        (!sorted && strcmp(p.name, "sort") == 0))
			continue;
		r = add_separator(out, start);
		if (r == 0)
			r = buf_add(out, p.text, p.size);
	}
	if (r == 0)
		r = add_separator(out, start);
	return r < 0 ? r : buf_printf(out, "offset=%lld&limit=%lld", (long long)offset, (long long)limit);
}

int paging_write(const char *query, size_t size, int64_t offset, int64_t limit, struct buf *out)
{
	return write_window(query, size, offset, limit, true, out);
}

int paging_write_since(const char *query, size_t size, int64_t since, uint64_t id, int64_t limit, struct buf *out)
{
	time_t seconds = (time_t)since;
	char text[32];
	struct tm utc;
	int r = write_window(query, size, 0, limit, false, out);

	if (r < 0)
		return r;
	if (!gmtime_r(&seconds, &utc) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		return -EINVAL;
	r = buf_printf(out, "&updated_on=%%3E%%3D%s", text);
	return r < 0 || id == 0 ? r : buf_printf(out, "&issue_id=%%3C%%3D%llu", (unsigned long long)id);
}

int paging_write_below(const char *query, size_t size, uint64_t id, int64_t limit, struct buf *out)
{
	int r = paging_write(query, size, 0, limit, out);

	return r < 0 ? r : buf_printf(out, "&issue_id=%%3C%%3D%llu", (unsigned long long)id);
}

/* end: 0, or where the limit becomes what is left up to there. */
static int move(const char *query, size_t size, int64_t offset, int64_t limit, int64_t end, struct buf *out)
{
	size_t start = out->size;
	bool moved = false;
	struct paging old;
	struct parameter p;
	int r = 0;

	if (!paging_read(&old, query, size) || (old.offset == ABSENT && old.page != ABSENT && offset % limit != 0))
		return -EINVAL;
	for (size_t at = 0; r == 0 && next_parameter(query, size, &at, &p);) {
		bool is_offset = strcmp(p.name, "offset") == 0;
		bool is_page = old.offset == ABSENT && strcmp(p.name, "page") == 0;
		bool is_limit = end > 0 && strcmp(p.name, "limit") == 0;

		r = add_separator(out, start);
		if (r == 0)
			r = buf_add(
			        out, p.text, is_offset || is_page || is_limit ? (size_t)(p.value - p.text) : p.size);
		if (r == 0 && is_limit)
			r = buf_printf(out, "%lld", (long long)(end - offset));
		if (r == 0 && (is_offset || is_page)) {
			moved = true;
			r = buf_printf(out, "%lld", (long long)(is_page ? offset / limit + 1 : offset));
		}
	}
	if (r == 0 && !moved) {
		r = add_separator(out, start);
		if (r == 0)
			r = buf_printf(out, "offset=%lld", (long long)offset);
	}
	return r;
}

int paging_move(const char *query, size_t size, int64_t offset, int64_t limit, struct buf *out)
{
	return move(query, size, offset, limit, 0, out);
}

int paging_fall(const char *query, size_t size, int64_t offset, int64_t end, struct buf *out)
{
	return end > offset ? move(query, size, offset, PAGING_MAX, end, out) : -EINVAL;
}
