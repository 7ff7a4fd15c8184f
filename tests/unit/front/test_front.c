/* The front as a whole: starting, limits, slow clients, new settings, stopping. */
#include "kit.h"

#include "front/loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: localhost\r\n"

static void act_hello(struct http_visit *v)
{
	http_read_body(v);
	http_answer(v, KIT_JSON, "{}");
}

static void act_wait(struct http_visit *v)
{
	struct kit *kit = v->arg;

	gate_open(&kit->came);
	gate_wait(&kit->go);
	http_answer(v, "200 OK", "late");
}

static const struct http_route routes[] = {{NULL, "/wait", act_wait}, {NULL, NULL, act_hello}};

static void make(struct kit *kit, const char *const *settings)
{
	kit_make(kit, routes, ARRAY_SIZE(routes), settings);
}

static struct front_figures figures(struct kit *kit)
{
	struct front_figures f;

	front_get_figures(kit->front, &f);
	return f;
}

START_TEST(counts)
{
	struct kit kit;
	struct wire wires[3];
	struct wire_answer answer;

	make(&kit, NULL);
	for (size_t i = 0; i < 3; i++) {
		wire_open(&wires[i], &kit);
		for (int j = 0; j < 4; j++) {
			wire_ask(&wires[i], &kit, "GET", "/issues.json", NULL, &answer);
			wire_answer_release(&answer);
		}
	}
	UNTIL(figures(&kit).requests == 12);
	ck_assert_uint_eq(figures(&kit).connections, 3);
	ck_assert_uint_eq(figures(&kit).bytes, 24);
	ck_assert_uint_ge(
	        figures(&kit).prepared, 12 - 1 - 2 * 3); /* a miss, and a hit for each thread before it is ready */
	ck_assert_uint_eq(figures(&kit).refused, 0);
	for (size_t i = 0; i < 3; i++)
		wire_close(&wires[i]);
	UNTIL(figures(&kit).connections == 0);
	ck_assert_uint_eq(kit.flow.figures.hits + kit.flow.figures.misses + figures(&kit).prepared, 12);
	kit_clear(&kit);
}
END_TEST

START_TEST(address_in_use)
{
	struct kit kit;
	struct front *second = NULL;
	struct fail fail = {0};
	size_t descriptors;

	make(&kit, NULL);
	descriptors = usage_descriptors();
	ck_assert_int_eq(front_new(&kit.flow, kit.conf, NULL, &second, &fail), -EADDRINUSE);
	ck_assert_ptr_null(second);
	ck_assert_ptr_nonnull(strstr(fail.text, kit.authority));
	ck_assert_uint_eq(usage_descriptors(), descriptors);
	ck_assert_uint_eq(kit_raw(&kit, "GET /-/healthy HTTP/1.1\r\n" HOST "\r\n"), 200); /* the first lives */
	front_free(NULL);
	kit_clear(&kit);
}
END_TEST

START_TEST(never_started)
{
	struct kit kit;
	struct fail fail = {0};
	struct front *front;
	struct conf *conf;
	char setting[64];
	const char *settings[] = {setting, "listen.threads=3", NULL};
	int r = -EADDRINUSE;

	make(&kit, NULL);
	for (int i = 0; i < 20 && r == -EADDRINUSE; i++) {
		snprintf(setting, sizeof(setting), "listen.address=127.0.0.1:%u", kit_free_port());
		conf = kit_conf(settings);
		r = front_new(&kit.flow, conf, NULL, &front, &fail);
		conf_unref(conf);
	}
	ck_assert_int_eq(r, 0);
	front_free(front);
	kit_clear(&kit);
}
END_TEST

static const char *const few[] = {"listen.max_connections=3", NULL};

START_TEST(connections_beyond_the_limit)
{
	struct kit kit;
	struct wire wires[3], more;
	struct wire_answer answer;

	make(&kit, few);
	for (size_t i = 0; i < 3; i++) {
		wire_open(&wires[i], &kit);
		wire_ask(&wires[i], &kit, "GET", "/-/healthy", NULL, &answer);
		wire_answer_release(&answer);
	}
	wire_open(&more, &kit);
	wire_ask(&more, &kit, "GET", "/issues.json", NULL, &answer);
	ck_assert_uint_eq(answer.status, 503);
	ck_assert_str_eq(fields_get(&answer.fields, "Retry-After"), "1");
	ck_assert(fields_has_token(&answer.fields, "Connection", "close"));
	wire_answer_release(&answer);
	ck_assert(wire_at_end(&more));
	wire_close(&more);
	UNTIL(figures(&kit).connections == 3);
	ck_assert_uint_eq(figures(&kit).refused, 1);
	wire_ask(&wires[0], &kit, "GET", "/-/healthy", NULL, &answer); /* those that are in stay in */
	ck_assert_uint_eq(answer.status, 200);
	wire_answer_release(&answer);
	wire_close(&wires[0]);
	UNTIL(figures(&kit).connections == 2);
	wire_open(&wires[0], &kit);
	wire_ask(&wires[0], &kit, "GET", "/-/healthy", NULL, &answer);
	ck_assert_uint_eq(answer.status, 200);
	wire_answer_release(&answer);
	for (size_t i = 0; i < 3; i++)
		wire_close(&wires[i]);
	kit_clear(&kit);
}
END_TEST

static const char *const impatient[] = {"listen.header_timeout=200ms", "listen.idle_timeout=1s", NULL};

/* Within some seconds; how soon is not looked at. */
START_TEST(slow_heads_are_ended)
{
	struct kit kit;
	struct wire slow, nothing, idle;
	struct wire_answer answer;

	make(&kit, impatient);
	wire_open(&slow, &kit);
	wire_open(&nothing, &kit);
	wire_open(&idle, &kit);
	wire_ask(&idle, &kit, "GET", "/-/healthy", NULL, &answer);
	wire_answer_release(&answer);
	wire_send_text(&slow, "GET /-/healthy HTTP/1.1\r\nX-A: ");
	UNTIL(figures(&kit).connections < 3 || !wire_send_text(&slow, "x")); /* byte by byte */
	UNTIL(figures(&kit).connections == 0);
	ck_assert(wire_at_end(&idle));
	wire_close(&slow);
	wire_close(&nothing);
	wire_close(&idle);
	kit_clear(&kit);
}
END_TEST

/* A slow answer is not a slow client. */
START_TEST(waiting_clients_are_not_ended)
{
	struct kit kit;
	struct wire wire, marker;
	struct wire_answer answer;

	make(&kit, impatient);
	wire_open(&wire, &kit);
	wire_open(&marker, &kit); /* sends nothing: when it is ended, the other has waited as long */
	wire_send_text(&wire, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
	gate_wait(&kit.came);
	ck_assert(wire_at_end(&marker));
	gate_open(&kit.go);
	ck_assert(wire_read(&wire, "GET", &answer));
	ck_assert_str_eq(buf_text(&answer.body), "late");
	wire_answer_release(&answer);
	wire_close(&wire);
	wire_close(&marker);
	kit_clear(&kit);
}
END_TEST

START_TEST(new_settings)
{
	static const char *const allowing[] = {"listen.allowed_hosts=new.test", "listen.body_limit=10", NULL};
	struct kit kit;
	struct wire wire;
	struct wire_answer answer;

	make(&kit, NULL);
	wire_open(&wire, &kit);
	wire_ask(&wire, &kit, "GET", "/issues.json", NULL, &answer);
	wire_answer_release(&answer);
	ck_assert_uint_eq(kit_raw(&kit, "GET /-/healthy HTTP/1.1\r\nHost: new.test\r\n\r\n"), 421);
	kit_reload(&kit, allowing);
	UNTIL(kit_raw(&kit, "GET /-/healthy HTTP/1.1\r\nHost: new.test\r\n\r\n") == 200 &&
	        kit_raw(&kit, "GET /-/healthy HTTP/1.1\r\nHost: new.test\r\n\r\n") == 200);
	UNTIL(kit_raw(&kit, "POST /x HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n01234567890") == 413);
	wire_ask(&wire, &kit, "GET", "/issues.json", NULL, &answer); /* the connection stays, and what is stored */
	ck_assert_ptr_nonnull(strstr(fields_get(&answer.fields, "Cache-Status"), "; hit"));
	wire_answer_release(&answer);
	wire_close(&wire);
	kit_clear(&kit);
}
END_TEST

struct drain {
	struct kit *kit;
	bool result;
	pthread_t thread;
};

static void *drain(void *arg)
{
	struct drain *d = arg;

	d->result = front_drain(d->kit->front, WAIT_LIMIT_S * 1000);
	return NULL;
}

static bool refuses_connections(const struct kit *kit)
{
	struct sockaddr_in name = {
	        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(kit->port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool refused = connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0;

	close(fd);
	return refused;
}

/* What is under way is answered, connections end with their answers, new ones are not taken. */
START_TEST(drains)
{
	struct kit kit;
	struct wire waiting, idle;
	struct wire_answer answer;
	struct drain d = {.kit = &kit};

	make(&kit, NULL);
	wire_open(&waiting, &kit);
	wire_open(&idle, &kit);
	wire_ask(&idle, &kit, "GET", "/issues.json", NULL, &answer);
	ck_assert_ptr_null(fields_get(&answer.fields, "Connection"));
	wire_answer_release(&answer);
	wire_send_text(&waiting, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
	gate_wait(&kit.came);
	ck_assert_int_eq(pthread_create(&d.thread, NULL, drain, &d), 0);
	UNTIL(({
		wire_ask(&idle, &kit, "GET", "/issues.json", NULL, &answer);
		bool closes = fields_has_token(&answer.fields, "Connection", "close");
		ck_assert_uint_eq(answer.status, 200); /* still served */
		wire_answer_release(&answer);
		closes;
	}));
	ck_assert(wire_at_end(&idle));
	UNTIL(refuses_connections(&kit));
	gate_open(&kit.go);
	ck_assert(wire_read(&waiting, "GET", &answer));
	ck_assert_str_eq(buf_text(&answer.body), "late");
	ck_assert(fields_has_token(&answer.fields, "Connection", "close"));
	wire_answer_release(&answer);
	pthread_join(d.thread, NULL);
	ck_assert(d.result);
	wire_close(&waiting);
	wire_close(&idle);
	kit_clear(&kit);
}
END_TEST

START_TEST(draining_has_a_limit)
{
	struct kit kit;
	struct wire waiting;
	struct wire_answer answer;

	make(&kit, NULL);
	wire_open(&waiting, &kit);
	wire_send_text(&waiting, "GET /wait HTTP/1.1\r\n" HOST "\r\n");
	gate_wait(&kit.came);
	ck_assert(!front_drain(kit.front, 20));
	/* What is not done by then ends as the engine ends it: with an answer that says so. */
	engines_stop(kit.engines, false);
	ck_assert(wire_read(&waiting, "GET", &answer));
	ck_assert_uint_eq(answer.status, 503);
	wire_answer_release(&answer);
	wire_close(&waiting);
	gate_open(&kit.go);
	kit_clear(&kit);
}
END_TEST

/* Stopped in the midst of everything, nothing hangs and nothing is lost track of. */
START_TEST(stops_under_load)
{
	struct kit kit;
	struct wire wires[30];

	make(&kit, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(wires); i++) {
		wire_open(&wires[i], &kit);
		if (i % 3 == 0)
			wire_send_text(&wires[i], "GET /wait HTTP/1.1\r\n" HOST "\r\n");
		else if (i % 3 == 1)
			wire_send_text(
			        &wires[i], "POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhal");
		else
			wire_send_text(&wires[i], "GET /issues.json HTTP/1.1\r\n" HOST "\r\nGET /x HT");
	}
	gate_wait(&kit.came);
	gate_open(&kit.go);
	kit_clear(&kit);
	for (size_t i = 0; i < ARRAY_SIZE(wires); i++)
		wire_close(&wires[i]);
}
END_TEST

/* Ten thousand requests over connections that come and go. */
START_TEST(nothing_grows)
{
	struct kit kit;
	size_t memory = 0, descriptors = 0;

	make(&kit, NULL);
	http_origin_record(kit.http, false);
	for (int round = 0; round < 12; round++) {
		for (int i = 0; i < 20; i++) {
			struct wire wire;

			wire_open(&wire, &kit);
			for (int j = 0; j < 42; j++) {
				struct wire_answer answer;

				wire_ask(&wire, &kit, j % 20 == 19 ? "HEAD" : "GET",
				        j % 10 == 9 ? "/unknown" : "/issues.json", NULL, &answer);
				ck_assert_uint_eq(answer.status, 200);
				wire_answer_release(&answer);
			}
			wire_close(&wire);
		}
		UNTIL(figures(&kit).connections == 0);
		if (round == 1) {
			memory = usage_memory();
			descriptors = usage_descriptors();
		}
	}
	ck_assert_uint_le(usage_descriptors(), descriptors + 8);
	ck_assert_msg(usage_memory() < memory + 512 * 1024, "%zu bytes more", usage_memory() - memory);
	kit_clear(&kit);
}
END_TEST

/* An event thread in this handler hangs until it is freed. Semaphores, as nothing else is safe there. */
static sem_t stuck, freed;

static void hang(int number)
{
	sem_post(&stuck);
	while (sem_wait(&freed) < 0)
		continue;
}

START_TEST(a_thread_that_hangs_has_no_beat)
{
	const char *const settings[] = {"listen.threads=2", NULL};
	const struct sigaction action = {.sa_handler = hang};
	struct kit kit;

	sem_init(&stuck, 0, 0);
	sem_init(&freed, 0, 0);
	make(&kit, settings);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	front_beat(kit.front);
	UNTIL(front_beat(kit.front));
	pthread_kill(kit.front->loops[1].thread, SIGUSR1);
	sem_wait(&stuck);
	front_beat(kit.front); /* may tell of the time before it hung */
	for (int i = 0; i < 100; i++)
		ck_assert(!front_beat(kit.front));
	sem_post(&freed);
	UNTIL(front_beat(kit.front));
	kit_clear(&kit);
}
END_TEST

UNIT_MAIN("front", a_thread_that_hangs_has_no_beat, counts, address_in_use, never_started, connections_beyond_the_limit,
        slow_heads_are_ended, waiting_clients_are_not_ended, new_settings, drains, draining_has_a_limit,
        stops_under_load, nothing_grows)
