#include "process_kit.h"

#include "../unit.h"

#include <string.h>
#include <unistd.h>

struct kind engine_kinds[] = {{.name = "process", .workers = 1, .single = true}};

static void act_hello(struct http_visit *v)
{
	http_read_body(v);
	http_answer(v, "200 OK", "hello");
}

/* The first request waits, its worker dies; those after it are answered. */
static void act_wait_once(struct http_visit *v)
{
	struct gates *gates = v->arg;

	if (atomic_fetch_add(&gates->requests, 1) == 0) {
		gate_open(&gates->came);
		gate_wait(&gates->go);
	}
	http_answer(v, "200 OK", "again");
}

static void act_wait(struct http_visit *v)
{
	struct gates *gates = v->arg;

	gate_open(&gates->came);
	gate_wait(&gates->go);
	http_answer(v, "200 OK", "late");
}

static void act_half_body(struct http_visit *v)
{
	struct gates *gates = v->arg;

	http_send_text(v, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ");
	gate_open(&gates->came);
	gate_wait(&gates->go);
	http_close(v);
}

static void act_large(struct http_visit *v)
{
	static const char block[65536];

	http_printf(v, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64 * 65536);
	for (int i = 0; i < 64 && http_send(v, block, sizeof(block)); i++)
		continue;
}

const struct http_route process_routes[] = {
        {NULL, "/hello", act_hello},
        {NULL, "/wait-once", act_wait_once},
        {NULL, "/wait", act_wait},
        {NULL, "/half-body", act_half_body},
        {NULL, "/large", act_large},
};

/* The processes whose parent that is. */
size_t children_of(pid_t parent, pid_t *ret, size_t room)
{
	char path[64];
	FILE *file;
	size_t count = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	file = fopen(path, "r");
	while (file && count < room && fscanf(file, "%d", &ret[count]) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

pid_t spawner(void)
{
	pid_t pids[4];

	ck_assert_uint_eq(children_of(getpid(), pids, ARRAY_SIZE(pids)), 1);
	return pids[0];
}

/* The one worker, as soon as there is one that is not `other`. */
pid_t worker_but(pid_t other)
{
	pid_t pids[WORKERS_MAX] = {0};

	UNTIL(children_of(spawner(), pids, WORKERS_MAX) == 1 && pids[0] != other);
	return pids[0];
}

uint64_t deaths(struct bed *bed)
{
	struct engine_figures figures;

	engine_get_figures(bed->engine, &figures);
	return figures.deaths;
}

int busy(struct bed *bed)
{
	struct engine_figures figures;

	engine_get_figures(bed->engine, &figures);
	return figures.busy;
}

void process_bed_make(struct bed *bed, struct gates *gates, const struct bed_options *options)
{
	bed_make(bed, 0, process_routes, ARRAY_SIZE(process_routes), gates, options);
}

void works(struct bed *bed)
{
	struct ask a;

	ask_init(&a, "GET", "/hello");
	bed_ask(bed, &a);
	ask_assert_done(&a, 200, "hello");
	ask_release(&a);
}
