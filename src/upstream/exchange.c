#include "upstream/exchange.h"

#include "base/clock.h"
#include "upstream/request_lines.h"

#include <ctype.h>
#include <errno.h>
#include <sys/socket.h>

/* A status line "HTTP/1.1 422 Unprocessable Entity\r\n" begins a head; what an interim one (1xx) before it brought is forgotten. */
static void head_begin(struct exchange *e, const char *line, size_t size)
{
	const char *at = memchr(line, ' ', size);
	size_t rest;

	fields_release(&e->fields);
	e->status = 0;
	e->reason[0] = '\0';
	e->http2 = size > 6 && line[5] == '2';
	if (!at)
		return;
	at++;
	rest = size - (size_t)(at - line);
	while (rest > 0 && *at >= '0' && *at <= '9' && e->status < 1000) {
		e->status = e->status * 10 + (unsigned)(*at++ - '0');
		rest--;
	}
	while (rest > 0 && *at == ' ') {
		at++;
		rest--;
	}
	while (rest > 0 && (at[rest - 1] == '\r' || at[rest - 1] == '\n'))
		rest--;
	if (rest < sizeof(e->reason)) {
		memcpy(e->reason, at, rest);
		e->reason[rest] = '\0';
	}
}

/* RFC 9112 section 6.3: a body without a length and not chunked ends with the connection, whole or not. */
static bool is_framed(const struct exchange *e)
{
	return e->http2 || strcmp(e->job->method, "HEAD") == 0 || e->status == 204 || e->status == 304 ||
	       fields_get(&e->fields, "Content-Length") || fields_has_token(&e->fields, "Transfer-Encoding", "chunked");
}

/* RFC 9112 section 6.3: several lengths that differ leave it open where the answer ends. */
static bool is_contradictory(const struct fields *fields)
{
	const char *first = fields_get(fields, "Content-Length");

	if (fields_count(fields, "Content-Length") < 2)
		return false;
	for (size_t i = 0; i < fields->count; i++)
		if (field_name_is(fields->items[i].name, "Content-Length") &&
		        strcmp(fields->items[i].value, first) != 0)
			return true;
	return false;
}

/* The body's coding is undone as it comes: the length that it has is not the body's. */
static int start_coding(struct exchange *e)
{
	const char *value = e->job->undo_coding ? fields_get(&e->fields, "Content-Encoding") : NULL;
	bool bodyless = strcmp(e->job->method, "HEAD") == 0 || e->status == 204 || e->status == 304;
	bool failed;

	if (!value || bodyless)
		return 0;
	e->coding = coding_new(value, &failed);
	if (!e->coding)
		return failed ? -ENOMEM : 0;
	fields_remove(&e->fields, "Content-Encoding");
	fields_remove(&e->fields, "Content-Length");
	return 0;
}

/* Bytes, -1: its head does not say. */
static int64_t body_length(const struct exchange *e)
{
	const char *length = fields_get(&e->fields, "Content-Length");

	if (e->status == 204 || e->status == 304)
		return 0;
	return length ? strtoll(length, NULL, 10) : -1;
}

static int refuse_answer(struct exchange *e, const char *why)
{
	e->nonsense = why;
	return -EPROTO;
}

static int head_end(struct exchange *e)
{
	struct job_head head = {.status = e->status, .reason = e->reason, .fields = &e->fields};

	if (job_is_interim(e->status) && e->interims++ < JOB_INTERIMS)
		job_tell_interim(e->job, &head);
	if (e->status < 200)
		return 0;
	if (is_contradictory(&e->fields))
		return refuse_answer(e, "the answer has several lengths");
	head.framed = is_framed(e);
	e->length = body_length(e);
	if (start_coding(e) < 0)
		return -ENOMEM;
	e->head_told = true;
	return job_tell_head(e->job, &head);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* RFC 9110 section 5.5: a bare CR, which some would take for the end of the line, is passed on as a space. */
static void blank_returns(char *value)
{
	while ((value = strchr(value, '\r')))
		*value = ' ';
}

/*
 * One field line, its end included: a lone LF ends it as well (RFC 9112 section 2.2), and white space before the colon
 * is no part of the name (5.1). What is no field is left out. 0 or -ENOMEM.
 */
static int add_field(struct fields *fields, const char *line, size_t size)
{
	const char *colon = memchr(line, ':', size), *value;
	size_t name_size, value_size;

	if (!colon)
		return 0;
	name_size = (size_t)(colon - line);
	value = colon + 1;
	value_size = size - name_size - 1;
	while (name_size > 0 && is_blank(line[name_size - 1]))
		name_size--;
	while (value_size > 0 && is_blank(value[value_size - 1]))
		value_size--;
	while (value_size > 0 && is_blank(*value)) {
		value++;
		value_size--;
	}
	if (name_size == 0)
		return 0;
	if (fields_add_slice(fields, line, name_size, value, value_size) < 0)
		return -ENOMEM;
	blank_returns((char *)fields->items[fields->count - 1].value);
	return 0;
}

static size_t on_header(char *line, size_t one, size_t size, void *arg)
{
	struct exchange *e = arg;
	int r = 0;

	CHECK(e, EXCHANGE_MAGIC);
	e->progress_us = session_now_us(e->session);
	if (e->head_told)
		return size; /* trailers */
	if (size > 5 && strncmp(line, "HTTP/", 5) == 0)
		head_begin(e, line, size);
	else if (size <= 2)
		r = head_end(e);
	else if (is_blank(line[0]))
		r = refuse_answer(e, "a field of the answer has more than one line"); /* RFC 9112 section 5.2 */
	else
		r = add_field(&e->fields, line, size);
	if (r < 0)
		e->gave_up = !e->nonsense;
	return r < 0 ? 0 : size;
}

static int tell_body(void *arg, const char *data, size_t size)
{
	struct job *job = arg;

	return job->client->body(job, data, size);
}

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
	struct exchange *e = arg;
	int r;

	CHECK(e, EXCHANGE_MAGIC);
	if (!e->head_told)
		return 0; /* not HTTP */
	if (e->coding)
		r = coding_feed(e->coding, data, size, tell_body, e->job);
	else
		r = tell_body(e->job, data, size);
	e->progress_us = clock_monotonic_us(); /* what the reader took of it is not Redmine's time */
	if (r == JOB_HOLD) {
		e->body_held = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (r < 0)
		e->gave_up = true;
	return r < 0 ? CURL_WRITEFUNC_ERROR : size;
}

static size_t on_upload(char *room, size_t one, size_t size, void *arg)
{
	struct exchange *e = arg;
	ssize_t n;

	CHECK(e, EXCHANGE_MAGIC);
	e->progress_us = clock_monotonic_us();
	n = e->job->client->upload(e->job, room, size * one);
	if (n == JOB_HOLD) {
		e->upload_held = true;
		return CURL_READFUNC_PAUSE;
	}
	if (n < 0)
		e->gave_up = true;
	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *e = arg;

	CHECK(e, EXCHANGE_MAGIC);
	e->fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return e->fd < 0 ? CURL_SOCKET_BAD : e->fd;
}

void exchange_before_close(struct exchange *e)
{
	ssize_t n = 1;

	CHECK(e, EXCHANGE_MAGIC);
	while (n > 0 && !e->head_told && buf_reserve(&e->parting, 4096) == 0) {
		n = recv(e->fd, e->parting.data + e->parting.size, 4096, MSG_DONTWAIT);
		if (n > 0)
			e->parting.size += (size_t)n;
	}
	e->fd = -1;
}

/*
 * What a server may refuse as malformed or too long: bytes outside RFC 3986, escapes that are none, more than Puma's
 * smallest limit. On a kept connection Puma 5.6 does so by waiting 20 s for more, on a new one at once.
 */
static bool is_odd(const char *target)
{
	size_t size = strlen(target);

	if (size > 8000)
		return true;
	for (size_t i = 0; i < size; i++) {
		if (target[i] == '%' &&
		        !(isxdigit((unsigned char)target[i + 1]) && isxdigit((unsigned char)target[i + 2])))
			return true;
		if (!isalnum((unsigned char)target[i]) && !strchr("-._~:/?[]@!$&'()*+,;=|%", target[i]))
			return true;
	}
	return false;
}

/* What the session's settings say, but for what the job's own route says. */
static void set_connection(CURL *easy, const struct session_settings *settings, const struct route *route)
{
	const char *proxy = route->proxy ? route->proxy : settings->proxy;
	const char *ca_file = route->ca_file ? route->ca_file : settings->ca_file;
	bool verify = route->verify == ROUTE_VERIFY_AS_SESSION ? settings->verify : route->verify == ROUTE_VERIFY_YES;
	bool http2 = route->http == ROUTE_HTTP_AS_SESSION ? settings->http2 : route->http == ROUTE_HTTP_2;

	curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : "");
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	if (ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	if (route->client_certificate)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, route->client_certificate);
	if (route->client_key)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, route->client_key);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)(http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
}

static void set_route(CURL *easy, CURLU *url, const struct session_settings *settings, const struct job *job)
{
	static const struct route usual = {0};

	curl_easy_setopt(easy, CURLOPT_CURLU, url);
	set_connection(easy, settings, job->route ? job->route : &usual);
}

/* What differs between any two requests. */
static void set_own(CURL *easy, struct exchange *e)
{
	const struct job *job = e->job;

	curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, job->target);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, e->lines);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, e);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, e);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, e);
	curl_easy_setopt(easy, CURLOPT_READDATA, e);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)job->connect_timeout_ms);
	/*
	 * On a kept connection that turns out dead libcurl sends any request again by itself. A
	 * write must never be: it goes out on a new connection.
	 */
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, job->safe && !is_odd(job->target) ? 0L : 1L);
}

static void set_method(CURL *easy, const struct job *job)
{
	if (job->has_body) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)job->body_size);
	} else if (strcmp(job->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, job->method);
}

static void set_callbacks(CURL *easy, struct exchange *e)
{
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, session_close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, e->session);
	if (e->job->has_body) {
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, e);
	}
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
}

bool exchange_is_usual(const struct job *job)
{
	return !job->route && !job->has_body && strcmp(job->method, "GET") == 0;
}

int exchange_prepare(struct exchange *e, const struct session_settings *settings, CURLU *url, bool used)
{
	CHECK(e, EXCHANGE_MAGIC);
	e->lines = request_lines_new(e->job);
	if (!e->lines)
		return -ENOMEM;
	if (!used) {
		set_route(e->easy, url, settings, e->job);
		set_method(e->easy, e->job);
		set_callbacks(e->easy, e);
	}
	set_own(e->easy, e);
	e->started_us = clock_monotonic_us();
	e->progress_us = e->started_us;
	return 0;
}

CURLcode exchange_resume(struct exchange *e)
{
	CHECK(e, EXCHANGE_MAGIC);
	if (!e->body_held && !e->upload_held)
		return CURLE_OK;
	e->body_held = false;
	e->upload_held = false;
	e->progress_us = clock_monotonic_us();
	return curl_easy_pause(e->easy, CURLPAUSE_CONT);
}

bool exchange_overdue(const struct exchange *e, int64_t now_us)
{
	return !e->body_held && !e->upload_held && now_us - e->progress_us > e->job->timeout_ms * 1000;
}

/* What was still there when sending failed is told as if libcurl had read it. True: it was a whole answer. */
static bool tell_parting(struct exchange *e)
{
	char *at = e->parting.data, *end = at + e->parting.size, *line_end;
	size_t size;

	if (e->parting.size < 5 || memcmp(at, "HTTP/", 5) != 0 || e->status >= 200)
		return false;
	while (!e->head_told && (line_end = memchr(at, '\n', (size_t)(end - at)))) {
		size = (size_t)(line_end + 1 - at);
		if (on_header(at, 1, size, e) != size)
			return false;
		at += size;
	}
	size = (size_t)(end - at);
	if (!e->head_told || e->length < 0 || (int64_t)size < e->length)
		return false;
	size = (size_t)e->length;
	return size == 0 || on_body(at, 1, size, e) == size;
}

static enum job_outcome outcome_of(const struct exchange *e, CURLcode code, bool overdue, bool maybe_sent)
{
	bool ended = !e->coding || coding_ended(e->coding);

	if (code == CURLE_OK && !overdue && ended)
		return e->head_told ? JOB_DONE : JOB_NO_ANSWER;
	if (atomic_load(&e->job->cancelled) || (e->gave_up && !e->head_told))
		return JOB_CANCELLED;
	if (e->head_told)
		return JOB_CUT;
	if (overdue || code == CURLE_OPERATION_TIMEDOUT)
		return JOB_TIMEOUT;
	return maybe_sent ? JOB_NO_ANSWER : JOB_NOT_SENT;
}

void exchange_conclude(struct exchange *e, CURLcode code, bool overdue, struct job_result *ret)
{
	long request_size = 0;

	CHECK(e, EXCHANGE_MAGIC);
	if (code == CURLE_SEND_ERROR && !e->head_told && tell_parting(e))
		code = CURLE_OK;
	curl_easy_getinfo(e->easy, CURLINFO_REQUEST_SIZE, &request_size);
	*ret = (struct job_result){.maybe_sent = request_size > 0};
	ret->outcome = outcome_of(e, code, overdue, ret->maybe_sent);
	ret->upstream_us = clock_monotonic_us() - e->started_us;
	if (overdue)
		snprintf(ret->text, sizeof(ret->text), "no byte from Redmine within %lld ms",
		        (long long)e->job->timeout_ms);
	else if (ret->outcome != JOB_DONE)
		snprintf(ret->text, sizeof(ret->text), "%s",
		        e->gave_up    ? "given up on this side"
		        : e->nonsense ? e->nonsense
		                      : curl_easy_strerror(code));
	coding_free(e->coding);
	e->coding = NULL;
	buf_release(&e->parting);
	free(e->lines);
	e->lines = NULL;
	fields_release(&e->fields);
}
