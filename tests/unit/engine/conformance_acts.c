#include "conformance_acts.h"

static void act_hello(struct http_visit *v)
{
	http_answer(v, "200 OK", "hello");
}

/* Says that the request came, answers when it may. */
static void act_wait(struct http_visit *v)
{
	struct gates *gates = v->arg;

	gate_open(&gates->came);
	gate_wait(&gates->go);
	http_answer(v, "200 OK", "late");
}

static void act_half_head(struct http_visit *v)
{
	struct gates *gates = v->arg;

	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Le");
	gate_open(&gates->came);
	gate_wait(&gates->go);
	http_close(v);
}

static void act_half_body(struct http_visit *v)
{
	struct gates *gates = v->arg;

	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ");
	gate_open(&gates->came);
	gate_wait(&gates->go);
	http_close(v);
}

static void act_reset(struct http_visit *v)
{
	http_reset(v);
}

static void act_close(struct http_visit *v)
{
	http_close(v);
}

static void act_reset_in_head(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Le");
	http_close(v);
}

static void act_truncate(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ");
	http_close(v);
}

static void act_reset_in_body(struct http_visit *v)
{
	struct gates *gates = v->arg;

	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ");
	gate_wait(&gates->go);
	http_reset(v);
}

static void act_truncate_chunks(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf \r\n5\r\nfu");
	http_close(v);
}

static void act_no_last_chunk(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n");
	http_close(v);
}

static void act_not_http(struct http_visit *v)
{
	http_send_text(v, "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n");
	http_close(v);
}

static void act_only_interim(struct http_visit *v)
{
	http_send_text(v, "HTTP/1.1 100 Continue\r\n\r\n");
	http_close(v);
}

static const struct http_route routes[] = {
        {NULL, "/hello", act_hello},
        {NULL, "/wait", act_wait},
        {NULL, "/half-head", act_half_head},
        {NULL, "/half-body", act_half_body},
        {NULL, "/reset", act_reset},
        {NULL, "/close", act_close},
        {NULL, "/reset-in-head", act_reset_in_head},
        {NULL, "/truncate", act_truncate},
        {NULL, "/reset-in-body", act_reset_in_body},
        {NULL, "/truncate-chunks", act_truncate_chunks},
        {NULL, "/no-last-chunk", act_no_last_chunk},
        {NULL, "/not-http", act_not_http},
        {NULL, "/only-interim", act_only_interim},
        {NULL, "/echo", http_echo},
};

void acts_make(struct bed *bed, int index, struct gates *gates, const struct bed_options *options)
{
	bed_make(bed, index, routes, ARRAY_SIZE(routes), gates, options);
}

void acts_occupy(struct bed *bed, struct gates *gates, struct ask *asks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ask_init(&asks[i], "GET", "/wait");
		engine_submit(bed->engine, &asks[i].job);
		gate_wait_times(&gates->came, (unsigned)i + 1);
	}
}

static void *submit_all(void *arg)
{
	struct submitter *s = arg;

	for (size_t i = 0; i < ARRAY_SIZE(s->asks); i++)
		engine_submit(s->bed->engine, &s->asks[i].job);
	return NULL;
}

void submitter_start(struct submitter *s, struct bed *bed)
{
	s->bed = bed;
	for (size_t i = 0; i < ARRAY_SIZE(s->asks); i++)
		ask_init(&s->asks[i], "GET", "/hello");
	ck_assert_int_eq(pthread_create(&s->thread, NULL, submit_all, s), 0);
}

void submitter_end(struct submitter *s, int outcome)
{
	pthread_join(s->thread, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(s->asks); i++) {
		if (outcome < 0)
			ask_wait(&s->asks[i]);
		else
			ask_assert_outcome(&s->asks[i], (enum job_outcome)outcome);
		ask_release(&s->asks[i]);
	}
}
