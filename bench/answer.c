/*
 * The fake Redmine's answers: Redmine's own set of headers, verbatim and in its order, before bodies
 * that were made at the start. A page of issues is a slice of one long text of rows.
 */
#define _GNU_SOURCE
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct request {
	const char *path, *query, *if_none_match; /* borrowed from the request's text; "" where absent */
};

struct answer_counters answer_counters;

static struct {
	unsigned total, row_size, issue_size;
	char *rows;   /* total rows of row_size bytes, a comma after each */
	char *filler; /* text for descriptions */
} bodies;

void answers_prepare(unsigned total, unsigned row_size, unsigned issue_size)
{
	static const char lorem[] = "lorem ipsum dolor sit amet ";
	size_t stride = row_size + 1u, filler = row_size + issue_size;

	bodies.total = total;
	bodies.row_size = row_size;
	bodies.issue_size = issue_size;
	bodies.filler = malloc(filler);
	bodies.rows = malloc(total * stride + 1);
	if (!bodies.filler || !bodies.rows)
		abort();
	for (size_t i = 0; i < filler; i++)
		bodies.filler[i] = lorem[i % (sizeof(lorem) - 1)];
	for (unsigned i = 0; i < total; i++) {
		char *row = bodies.rows + i * stride;
		int used = snprintf(row, stride,
		        "{\"id\":%u,\"project\":{\"id\":1,\"name\":\"Bench\"},\"tracker\":{\"id\":1,"
		        "\"name\":\"Bug\"},\"status\":{\"id\":1,\"name\":\"New\",\"is_closed\":false},"
		        "\"subject\":\"Issue\",\"created_on\":\"2024-01-02T03:04:05Z\",\"updated_on\":"
		        "\"2024-01-02T03:04:05Z\",\"description\":\"",
		        total - i);

		memcpy(row + used, bodies.filler, row_size - 2u - (unsigned)used);
		memcpy(row + row_size - 2, "\"},", 3);
	}
}

/* The number that the last parameter of this name says; otherwise if there is none or it is no number. */
static long query_number(const char *query, const char *name, long otherwise)
{
	size_t length = strlen(name);
	long found = otherwise;

	for (const char *at = query; *at; at += strcspn(at, "&"), at += *at == '&') {
		char *end;
		long value;

		if (strncmp(at, name, length) || at[length] != '=')
			continue;
		value = strtol(at + length + 1, &end, 10);
		found = end > at + length + 1 && (*end == '&' || !*end) ? value : otherwise;
	}
	return found;
}

/* Cut a request's head into its parts. False for what is no GET. */
static bool request_parse(struct request *ret, char *text, bool *ret_last)
{
	char *line = strsep(&text, "\r"), *method = strsep(&line, " "), *target = strsep(&line, " ");

	*ret = (struct request){.path = target, .query = "", .if_none_match = ""};
	while (text && *text == '\n' && text[1] != '\r') {
		char *value = strsep(&text, "\r") + 1, *name = strsep(&value, ":");

		if (!value)
			continue;
		value += strspn(value, " ");
		if (!strcasecmp(name, "connection") && !strcasecmp(value, "close"))
			*ret_last = true;
		else if (!strcasecmp(name, "if-none-match"))
			ret->if_none_match = value;
	}
	if (!target || strcmp(method, "GET"))
		return false;
	strsep(&target, "?");
	if (target)
		ret->query = target;
	return true;
}

static void part_add(struct answer *a, const char *bytes, size_t length)
{
	a->part[a->parts++] = (struct iovec){.iov_base = (char *)bytes, .iov_len = length};
}

/* A weak tag as Redmine's, 32 hex digits; of the target, as equal targets have equal bodies here. */
static void etag_print(const struct request *r, char ret[40])
{
	uint64_t hash = 14695981039346656037u;

	for (const char *s = r->path; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 1099511628211u;
	for (const char *s = r->query; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 1099511628211u;
	snprintf(ret, 40, "W/\"%016jx%016jx\"", (uintmax_t)hash, (uintmax_t)(hash * 0x9e3779b97f4a7c15u));
}

/* Redmine's head of a 200, or of a 304 where the client's tag is exactly the answer's. The body is there already. */
static void head_print(struct answer *a, const struct request *r, bool cookie)
{
	const char *set_cookie =
	        cookie ? "Set-Cookie: Redmine=QSBjb29raWUgb2YgYSBmYWtlIFJlZG1pbmU--6e0a1f7c; path=/; HttpOnly\r\n" : "";
	size_t body = 0;
	char etag[40], length[48] = "";
	bool same;

	etag_print(r, etag);
	same = !strcmp(r->if_none_match, etag);
	if (same) {
		a->parts = 1;
		answer_counters.not_modified++;
	} else {
		for (int i = 1; i < a->parts; i++)
			body += a->part[i].iov_len;
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", body);
	}
	a->part[0].iov_base = a->head;
	a->part[0].iov_len = (size_t)snprintf(a->head, sizeof(a->head),
	        "HTTP/1.1 %s\r\n"
	        "X-Frame-Options: SAMEORIGIN\r\n"
	        "X-XSS-Protection: 1; mode=block\r\n"
	        "X-Content-Type-Options: nosniff\r\n"
	        "X-Download-Options: noopen\r\n"
	        "X-Permitted-Cross-Domain-Policies: none\r\n"
	        "Referrer-Policy: strict-origin-when-cross-origin\r\n"
	        "%s"
	        "ETag: %s\r\n"
	        "Cache-Control: max-age=0, private, must-revalidate\r\n"
	        "X-Request-Id: 0c2f54a1-5b6e-4f0e-9a3d-%012jx\r\n"
	        "X-Runtime: 0.091997\r\n"
	        "%s%s\r\n",
	        same ? "304 Not Modified" : "200 OK", same ? "" : "Content-Type: application/json; charset=utf-8\r\n",
	        etag, (uintmax_t)answer_counters.requests, set_cookie, length);
}

static void head_print_plain(struct answer *a, const char *status, size_t length)
{
	a->part[0].iov_base = a->head;
	a->part[0].iov_len = (size_t)snprintf(
	        a->head, sizeof(a->head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status, length);
}

/* GET /issues.json: offset and limit with the bounds that Redmine has for them. */
static void answer_list(struct answer *a, const struct request *r)
{
	long limit = query_number(r->query, "limit", 25), offset = query_number(r->query, "offset", 0);
	size_t stride = bodies.row_size + 1u, rows = 0;

	limit = limit > 100 ? 100 : limit < 1 ? 25 : limit;
	offset = offset < 0 ? 0 : offset;
	if (offset < (long)bodies.total)
		rows = (size_t)(limit < (long)bodies.total - offset ? limit : (long)bodies.total - offset);
	part_add(a, "{\"issues\":[", 11);
	if (rows)
		part_add(a, bodies.rows + (size_t)offset * stride, rows * stride - 1);
	part_add(a, a->tail,
	        (size_t)snprintf(a->tail, sizeof(a->tail), "],\"total_count\":%u,\"offset\":%ld,\"limit\":%ld}",
	                bodies.total, offset, limit));
	head_print(a, r, true);
}

/* GET /issues/ID.json, of the same size whatever the id. */
static void answer_issue(struct answer *a, const struct request *r, int id_length)
{
	static const char tail[] = "\"}}";
	size_t lead = (size_t)snprintf(a->lead, sizeof(a->lead),
	        "{\"issue\":{\"id\":%.*s,\"project\":{\"id\":1,\"name\":\"Bench\"},"
	        "\"subject\":\"One issue\",\"description\":\"",
	        id_length, r->path + strlen("/issues/"));

	part_add(a, a->lead, lead);
	part_add(a, bodies.filler, bodies.issue_size - lead - strlen(tail));
	part_add(a, tail, strlen(tail));
	head_print(a, r, false);
}

/* GET /bench/origin: the counters, and what the query asks to change. */
static void answer_control(struct answer *a, const struct request *r)
{
	struct answer_counters *n = &answer_counters;
	long latency = query_number(r->query, "latency", -1);

	part_add(a, a->lead,
	        (size_t)snprintf(a->lead, sizeof(a->lead),
	                "{\"requests\":%ju,\"connections\":%ju,\"not_modified\":%ju,\"in_flight_most\":%u}\n",
	                (uintmax_t)n->requests, (uintmax_t)n->connections, (uintmax_t)n->not_modified,
	                n->in_flight_most));
	head_print_plain(a, "200 OK", a->part[1].iov_len);
	if (query_number(r->query, "reset", 0) == 1)
		*n = (struct answer_counters){.latency = n->latency, .in_flight = n->in_flight};
	if (latency >= 0)
		n->latency = (uint64_t)latency * 1000000u;
}

/* How many digits the id in /issues/ID.json has; 0 if the path is another. */
static int path_issue_id(const char *path)
{
	size_t digits;

	if (strncmp(path, "/issues/", 8))
		return 0;
	digits = strspn(path + 8, "0123456789");
	return digits <= 12 && !strcmp(path + 8 + digits, ".json") ? (int)digits : 0;
}

void answer_make(struct answer *ret, char *text)
{
	struct request r;
	int id_length;

	ret->parts = 1; /* the head, filled last */
	ret->last = false;
	ret->counted = true;
	if (!request_parse(&r, text, &ret->last)) {
		ret->last = true;
		head_print_plain(ret, "501 Not Implemented", 0);
	} else if (!strcmp(r.path, "/bench/origin")) {
		ret->counted = false;
		answer_control(ret, &r);
	} else if ((id_length = path_issue_id(r.path)) > 0) {
		answer_issue(ret, &r, id_length);
	} else if (!strcmp(r.path, "/issues.json")) {
		answer_list(ret, &r);
	} else if (!strcmp(r.path, "/users/current.json")) {
		part_add(ret, "{\"user\":{\"id\":1,\"login\":\"bench\"}}", 34);
		head_print(ret, &r, false);
	} else {
		head_print_plain(ret, "404 Not Found", 0);
	}
	if (ret->counted)
		answer_counters.requests++;
}
