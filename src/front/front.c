#include "front/front.h"

#include "base/clock.h"
#include "front/loop.h"
#include "front/tls.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define THREADS_AUTO_MAX 8
#define DRAIN_LOOK_MS    5
#define DRAIN_LINGER_MS  100
#define CONF_WAIT_MS     2000

/* One event thread answers some 100,000 hits a second: half of the cores are for them, half for all else. */
static unsigned thread_count(const struct conf *conf)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (conf->listen.threads > 0)
		return (unsigned)conf->listen.threads;
	if (cores / 2 < 1)
		return 1;
	return cores / 2 > THREADS_AUTO_MAX ? THREADS_AUTO_MAX : (unsigned)(cores / 2);
}

/* The certificate, if a listener needs one. */
static int prepare_tls(struct front *front, struct fail *fail)
{
	const struct conf *conf = front->conf;

	for (size_t i = 0; i < front->listeners.count; i++)
		front->tls = front->tls || front->listeners.items[i].tls;
	if (front->tls && conf->listen.client_ca && !(front->client_ca = tls_client_ca(conf, fail)))
		return -EINVAL;
	return front_load_certificate(front, conf, fail);
}

int front_load_certificate(struct front *front, const struct conf *conf, struct fail *fail)
{
	CHECK(front, FRONT_MAGIC);
	if (!front->tls)
		return 0;
	if (!conf->listen.certificate || !conf->listen.certificate_key)
		return fail_set(fail, -EINVAL, "TLS needs listen.certificate and listen.certificate_key");
	return tls_load(conf, fail);
}

int front_new(
        struct flow *flow, struct conf *conf, const struct given_sockets *given, struct front **ret, struct fail *fail)
{
	unsigned count = thread_count(conf);
	struct front *front = calloc(1, sizeof(*front));
	int r;

	if (!front)
		return fail_set(fail, -ENOMEM, "out of memory");
	front->magic = FRONT_MAGIC;
	front->flow = flow;
	front->conf = conf_ref(conf);
	front->started_ms = clock_wall_ms();
	pthread_mutex_init(&front->lock, NULL);
	front->records = records_new();
	if (!front->records)
		r = fail_set(fail, -ENOMEM, "out of memory");
	else if (given && given->count > 0)
		r = listeners_adopt(&front->listeners, given, conf, count, fail);
	else
		r = listeners_open(&front->listeners, conf, count, fail);
	if (r == 0)
		r = prepare_tls(front, fail);
	front->loops = r == 0 ? calloc(count, sizeof(*front->loops)) : NULL;
	if (r == 0 && !front->loops)
		r = fail_set(fail, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < count && r == 0; i++) {
		front->loop_count++;
		r = loop_init(&front->loops[i], front, i, fail);
	}
	if (r < 0) {
		front_free(front);
		return r;
	}
	*ret = front;
	return 0;
}

int front_start(struct front *front, struct fail *fail)
{
	CHECK(front, FRONT_MAGIC);
	for (unsigned i = 0; i < front->loop_count; i++) {
		int r = loop_start(&front->loops[i], fail);

		if (r < 0)
			return r;
	}
	return 0;
}

/* True when each event thread serves by the settings of that serial, or by later ones. */
static bool have_taken(const struct front *front, unsigned serial)
{
	for (unsigned i = 0; i < front->loop_count; i++)
		if (front->loops[i].started && (int)(atomic_load(&front->loops[i].conf_taken) - serial) < 0)
			return false;
	return true;
}

void front_set_conf(struct front *front, struct conf *conf)
{
	int64_t end_us = clock_monotonic_us() + CONF_WAIT_MS * 1000;
	struct timespec pause = {.tv_nsec = 1000000};
	unsigned serial;

	CHECK(front, FRONT_MAGIC);
	pthread_mutex_lock(&front->lock);
	conf_unref(front->conf);
	front->conf = conf_ref(conf);
	pthread_mutex_unlock(&front->lock);
	serial = atomic_fetch_add(&front->conf_serial, 1) + 1;
	for (unsigned i = 0; i < front->loop_count; i++)
		loop_poke(&front->loops[i]);
	while (!have_taken(front, serial) && !atomic_load(&front->ending) && clock_monotonic_us() < end_us)
		nanosleep(&pause, NULL);
}

bool front_beat(struct front *front)
{
	bool all = true;

	CHECK(front, FRONT_MAGIC);
	for (unsigned i = 0; i < front->loop_count; i++) {
		struct loop *loop = &front->loops[i];

		all = all && !atomic_load(&loop->beat_asked);
		atomic_store(&loop->beat_asked, true);
		loop_poke(loop);
	}
	return all;
}

int front_print_addresses(const struct front *front, struct buf *out)
{
	int r = 0;

	CHECK(front, FRONT_MAGIC);
	for (size_t i = 0; i < front->listeners.count && r == 0; i++) {
		const struct listener *listener = &front->listeners.items[i];

		if (listener->loop == 0 || listener->path)
			r = buf_printf(out, "%s%s", out->size > 0 ? ", " : "", listener->text);
	}
	return r;
}

/* True when no event thread accepts connections any more; each stops by itself, as libmicrohttpd is not to be told by another. */
static bool have_closed(const struct front *front)
{
	for (unsigned i = 0; i < front->loop_count; i++)
		if (front->loops[i].started && !atomic_load(&front->loops[i].closed))
			return false;
	return true;
}

/*
 * A client that was answered a moment ago may be about to use its connection again: it learns from the next answer that
 * it is the last. Ended now, the connection would take the request along that is on its way.
 */
static bool has_stirred(struct front *front)
{
	int64_t now_us = clock_monotonic_us();

	for (unsigned i = 0; i < front->loop_count; i++)
		if (now_us - atomic_load(&front->loops[i].stirred_us) < DRAIN_LINGER_MS * 1000)
			return true;
	return false;
}

bool front_drain(struct front *front, int64_t limit_ms)
{
	int64_t end_us = clock_monotonic_us() + limit_ms * 1000;
	struct timespec pause = {.tv_nsec = DRAIN_LOOK_MS * 1000000};

	CHECK(front, FRONT_MAGIC);
	atomic_store(&front->draining, true);
	for (unsigned i = 0; i < front->loop_count; i++)
		loop_poke(&front->loops[i]);
	while (!have_closed(front) || atomic_load_explicit(&front->active, memory_order_acquire) > 0 ||
	        has_stirred(front)) {
		if (clock_monotonic_us() >= end_us)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

void front_free(struct front *front)
{
	if (!front)
		return;
	CHECK(front, FRONT_MAGIC);
	atomic_store(&front->ending, true);
	for (unsigned i = 0; i < front->loop_count; i++)
		loop_release(&front->loops[i]);
	listeners_close(&front->listeners);
	if (front->tls)
		tls_unload();
	free(front->client_ca);
	conf_unref(front->conf);
	pthread_mutex_destroy(&front->lock);
	free(front->loops);
	records_free(front->records);
	front->magic = 0;
	free(front);
}

struct records *front_records(struct front *front)
{
	CHECK(front, FRONT_MAGIC);
	return front->records;
}

struct conf *front_conf(struct front *front)
{
	struct conf *conf;

	CHECK(front, FRONT_MAGIC);
	pthread_mutex_lock(&front->lock);
	conf = conf_ref(front->conf);
	pthread_mutex_unlock(&front->lock);
	return conf;
}

void front_get_figures(struct front *front, struct front_figures *ret)
{
	CHECK(front, FRONT_MAGIC);
	*ret = (struct front_figures){
	        .connections = (uint64_t)atomic_load(&front->connections),
	        .refused = atomic_load(&front->refused),
	};
	for (unsigned i = 0; i < front->loop_count; i++) {
		struct loop *loop = &front->loops[i];

		ret->requests += atomic_load(&loop->requests);
		ret->prepared += atomic_load(&loop->prepared_hits);
		ret->bytes += atomic_load(&loop->bytes);
	}
}
