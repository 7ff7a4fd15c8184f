#include "flow/preferences.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#define PREFER_CEILING (64 * 1024)
#define WAIT_DIGITS    9

/* One member of Prefer: name, value and parameters, as slices. */
struct member {
	const char *text; /* the whole of it */
	size_t size;
	const char *name;
	size_t name_size;
	const char *value; /* without quotes; size 0: none, which is the same as an empty one (RFC 7240 section 2) */
	size_t value_size;
};

/* The end of a quoted string or of a run of other characters up to one of the stops. */
static const char *skip_to(const char *p, const char *stops)
{
	while (*p && !strchr(stops, *p)) {
		if (*p++ != '"')
			continue;
		while (*p && *p != '"')
			p += p[0] == '\\' && p[1] ? 2 : 1;
		p += *p == '"';
	}
	return p;
}

static size_t trimmed(const char *text, const char *end)
{
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (size_t)(end - text);
}

/* Takes the next member; false at the end. */
static bool next_member(const char **at, struct member *ret)
{
	const char *p = *at + strspn(*at, " \t,"), *end;

	if (!*p)
		return false;
	*ret = (struct member){.text = p, .name = p, .value = ""};
	end = skip_to(p, ",");
	ret->size = trimmed(p, end);
	*at = end;
	end = skip_to(p, "=;,");
	ret->name_size = trimmed(p, end);
	if (*end != '=')
		return true;
	p = end + 1 + strspn(end + 1, " \t");
	end = skip_to(p, ";,");
	ret->value = p;
	ret->value_size = trimmed(p, end);
	if (ret->value_size >= 2 && p[0] == '"' && p[ret->value_size - 1] == '"') {
		ret->value++;
		ret->value_size -= 2;
	}
	return true;
}

static bool is(const char *text, size_t size, const char *word)
{
	return strlen(word) == size && strncasecmp(text, word, size) == 0;
}

static int read_wait(struct preferences *p, const struct member *member, const struct conf *conf, struct fail *fail)
{
	int64_t seconds = 0;

	for (size_t i = 0; i < member->value_size; i++) {
		if (!isdigit((unsigned char)member->value[i]))
			return fail_set(fail, -EINVAL, "Prefer: wait must be a number of seconds.");
		if (i < WAIT_DIGITS)
			seconds = seconds * 10 + (member->value[i] - '0');
	}
	if (seconds == 0)
		return fail_set(fail, -EINVAL, "Prefer: wait must be a number of seconds above 0.");
	p->wait_ms = seconds * 1000;
	if (p->wait_ms > conf->session.wait_limit_ms)
		p->wait_ms = conf->session.wait_limit_ms;
	return 0;
}

static int read_return(struct preferences *p, const struct member *member, struct fail *fail)
{
	p->minimal = is(member->value, member->value_size, "minimal");
	if (p->minimal || is(member->value, member->value_size, "representation"))
		return 0;
	return fail_set(fail, -EINVAL, "Prefer: return must be minimal or representation.");
}

static int read_async(struct preferences *p, const struct member *member, struct fail *fail)
{
	if (member->value_size > 0)
		return fail_set(fail, -EINVAL, "Prefer: respond-async has no value.");
	p->respond_async = true;
	return 0;
}

/* Which of the preferences that are known here, or OTHER. */
enum known { WAIT, RETURN, RESPOND_ASYNC, OTHER };

static enum known known_as(const struct member *member)
{
	static const char *const names[] = {[WAIT] = "wait", [RETURN] = "return", [RESPOND_ASYNC] = "respond-async"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (is(member->name, member->name_size, names[i]))
			return (enum known)i;
	return OTHER;
}

/* return=representation is the usual: whatever Redmine makes of it, it is not ours. */
static bool is_own(const struct member *member)
{
	enum known known = known_as(member);

	return known == RETURN ? is(member->value, member->value_size, "minimal") : known != OTHER;
}

static int read_member(struct preferences *p, const struct member *member, bool seen[OTHER], const struct conf *conf,
        struct fail *fail)
{
	enum known known = known_as(member);

	if (known == OTHER || seen[known])
		return 0;
	seen[known] = true;
	switch (known) {
	case WAIT:
		return read_wait(p, member, conf, fail);
	case RETURN:
		return read_return(p, member, fail);
	case RESPOND_ASYNC:
		return read_async(p, member, fail);
	case OTHER:
		break;
	}
	WRONG("a preference outside its enum");
}

static int read_workers(struct preferences *p, const struct fields *fields, const struct conf *conf, struct fail *fail)
{
	const char *value = fields_get(fields, WORKERS_FIELD);
	int limit = conf->session.workers_limit;

	if (!value)
		return 0;
	if (fields_count(fields, WORKERS_FIELD) > 1)
		return fail_set(fail, -EINVAL, WORKERS_FIELD ": there is more than one.");
	if (!*value || strspn(value, "0123456789") != strlen(value) || strlen(value) > WAIT_DIGITS)
		return fail_set(fail, -EINVAL, WORKERS_FIELD " must be a number from 1 to %d.", limit);
	p->workers = atoi(value);
	if (p->workers < 1 || p->workers > limit)
		return fail_set(fail, -EINVAL, WORKERS_FIELD " must be a number from 1 to %d.", limit);
	return 0;
}

int preferences_read(struct preferences *ret, const struct fields *fields, const struct conf *conf, struct fail *fail)
{
	bool seen[OTHER] = {false};
	struct preferences p = {0};
	int r = 0;

	for (size_t i = 0; i < fields->count && r == 0; i++) {
		const char *at = fields->items[i].value;
		struct member member;

		if (!field_name_is(fields->items[i].name, "Prefer"))
			continue;
		while (r == 0 && next_member(&at, &member))
			r = read_member(&p, &member, seen, conf, fail);
	}
	if (r == 0)
		r = read_workers(&p, fields, conf, fail);
	if (r == 0)
		*ret = p;
	return r;
}

int preferences_take_out(struct fields *fields)
{
	CLEANUP(buf_release) struct buf left = BUF_INIT(PREFER_CEILING);
	bool own = false;

	for (size_t i = 0; i < fields->count; i++) {
		const char *at = fields->items[i].value;
		struct member member;

		if (!field_name_is(fields->items[i].name, "Prefer"))
			continue;
		while (next_member(&at, &member)) {
			if (is_own(&member))
				own = true;
			else if (buf_printf(&left, "%s%.*s", left.size ? ", " : "", (int)member.size, member.text) < 0)
				return -ENOMEM;
		}
	}
	if (!own)
		return 0;
	fields_remove(fields, "Prefer");
	return left.size > 0 ? fields_add(fields, "Prefer", buf_text(&left)) : 0;
}

bool preferences_cut_body(const struct preferences *p, unsigned status)
{
	return p->minimal && status >= 200 && status < 300 && status != 204;
}

int preferences_applied(const struct preferences *p, unsigned status, struct buf *out)
{
	int r = 0;

	if (p->wait_ms > 0)
		r = buf_printf(out, "wait=%lld", (long long)(p->wait_ms / 1000));
	if (r == 0 && preferences_cut_body(p, status))
		r = buf_printf(out, "%sreturn=minimal", out->size ? ", " : "");
	if (r == 0 && p->respond_async && status == 202)
		r = buf_printf(out, "%srespond-async", out->size ? ", " : "");
	return r;
}
