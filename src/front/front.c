#include "front/front.h"

#include "base/clock.h"
#include "front/loop.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define THREADS_AUTO_MAX 8
#define DRAIN_LOOK_MS    5

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

int front_new(struct flow *flow, struct conf *conf, struct front **ret, struct fail *fail)
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
	r = !front->records ? fail_set(fail, -ENOMEM, "out of memory")
	                    : listeners_open(&front->listeners, conf, count, fail);
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

void front_set_conf(struct front *front, struct conf *conf)
{
	CHECK(front, FRONT_MAGIC);
	pthread_mutex_lock(&front->lock);
	conf_unref(front->conf);
	front->conf = conf_ref(conf);
	pthread_mutex_unlock(&front->lock);
	atomic_fetch_add(&front->conf_serial, 1);
	for (unsigned i = 0; i < front->loop_count; i++)
		loop_poke(&front->loops[i]);
}

/* New connections are refused by the kernel from here on. */
static void stop_listening(struct front *front)
{
	for (unsigned i = 0; i < front->loop_count; i++)
		for (size_t j = 0; j < front->loops[i].count; j++) {
			MHD_socket fd = MHD_quiesce_daemon(front->loops[i].daemons[j].mhd);

			if (fd != MHD_INVALID_SOCKET)
				close(fd);
		}
}

bool front_drain(struct front *front, int64_t limit_ms)
{
	int64_t end_us = clock_monotonic_us() + limit_ms * 1000;
	struct timespec pause = {.tv_nsec = DRAIN_LOOK_MS * 1000000};

	CHECK(front, FRONT_MAGIC);
	atomic_store(&front->draining, true);
	stop_listening(front);
	while (atomic_load_explicit(&front->active, memory_order_acquire) > 0) {
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
