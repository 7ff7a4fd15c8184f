/*
 * The process engine: N pre-forked workers, each with one job at a time, and
 * one thread here that talks to all of them. A worker that dies costs the one
 * job that it had (a read without a body is run once more, elsewhere) and is replaced.
 */
#include "engine/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_A_TURN 64
#define LOOK_EVERY_MS 250
#define OUT_CEILING   (8 * 1024 * 1024)
#define FORK_RETRY_MS 1000

static int prepare(struct engine *engine, struct fail *fail)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return fail_set(fail, -ENOMEM, "out of memory");
	process->engine = engine;
	process->epoll = process->event = -1;
	process->spawner = (struct spawner){.fd = -1, .spare = -1};
	process->count = engine->settings.workers;
	process->wanted = engine->workers_first;
	process->hands = calloc((size_t)process->count, sizeof(*process->hands));
	engine->own = process;
	if (!process->hands)
		return fail_set(fail, -ENOMEM, "out of memory");
	for (int i = 0; i < process->count; i++)
		process->hands[i] = (struct hand){.process = process, .fd = -1};
	return spawner_start(&process->spawner, &engine->settings.session, fail);
}

static void release(struct engine *engine)
{
	struct process *process = engine->own;

	if (!process)
		return;
	spawner_stop(&process->spawner);
	free(process->hands);
	free(process);
	engine->own = NULL;
}

static void count_hands(struct process *process)
{
	int alive = 0;

	for (int i = 0; i < process->count; i++)
		alive += process->hands[i].fd >= 0;
	atomic_store(&process->engine->hands, alive);
}

static int hire(struct process *process, struct hand *hand)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = hand};
	int r = spawner_fork(&process->spawner, &hand->pid, &hand->fd);

	if (r < 0)
		return r;
	hand->hired = true;
	wire_reader_init(&hand->in);
	hand->out = BUF_INIT(OUT_CEILING);
	hand->events = EPOLLIN;
	if (epoll_ctl(process->epoll, EPOLL_CTL_ADD, hand->fd, &event) < 0) {
		struct job *none = NULL;

		r = -errno;
		hand_lose(hand, &none);
	}
	count_hands(process);
	return r;
}

static struct hand *idle_hand(struct process *process)
{
	for (int i = 0; i < process->count; i++)
		if (process->hands[i].fd >= 0 && !process->hands[i].job)
			return &process->hands[i];
	return NULL;
}

/* Of a process; 0 where that cannot be told. */
static uint64_t resident_bytes(pid_t pid)
{
	char path[64], text[128] = "";
	unsigned long long total, resident = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0 && sscanf(text, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	close(fd);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A worker that has done enough, or has grown too much, makes room for a new one between two jobs. */
static bool is_worn(const struct process *process, const struct hand *hand)
{
	const struct engine_settings *settings = &process->engine->settings;

	return hand->fd >= 0 && !hand->job &&
	       ((settings->recycle_jobs > 0 && hand->jobs >= (unsigned)settings->recycle_jobs) || hand->grown);
}

/* A worker that is gone is replaced, and what it had is run again on the new one if it may be. */
static void replace(struct process *process, struct hand *hand)
{
	struct job *again = NULL;
	bool asked = is_worn(process, hand);

	hand_lose(hand, &again);
	atomic_fetch_add(asked ? &process->engine->recycled : &process->engine->deaths, 1);
	count_hands(process);
	if (atomic_load(&process->cancelled) || hire(process, hand) < 0) {
		if (again)
			job_end(again, JOB_REFUSED, "the worker process ended and could not be replaced");
		return;
	}
	hand->retried = again != NULL;
	if (again)
		hand_start(hand, again);
}

static bool is_over(struct job_queue *q)
{
	bool over;

	pthread_mutex_lock(&q->lock);
	over = q->closed && !q->first;
	pthread_mutex_unlock(&q->lock);
	return over;
}

/* One more worker, where their number is found by trying and all are at work. False: there is none more. */
static bool grow(struct process *process)
{
	struct engine *engine = process->engine;
	struct engine_figures figures;

	if (!engine->automatic || process->wanted >= process->count)
		return false;
	engine_get_figures(engine, &figures);
	if (process->wanted >= figures.workers || figures.queued == 0)
		return false;
	return hire(process, &process->hands[process->wanted++]) == 0;
}

/* Gives idle workers what waits. False: nothing waits and nothing will come. */
static bool hand_out(struct process *process)
{
	struct engine *engine = process->engine;
	struct hand *hand;

	while ((hand = idle_hand(process)) || grow(process)) {
		bool over;
		struct job *job;

		if (!hand)
			continue; /* there is one now */
		job = job_queue_try(&engine->queue, &over);
		if (!job)
			return !over;
		if (atomic_load(&job->cancelled)) {
			job_end(job, JOB_CANCELLED, "");
			continue;
		}
		hand->retried = false;
		hand_start(hand, job);
	}
	return !is_over(&engine->queue);
}

static bool any_busy(const struct process *process)
{
	for (int i = 0; i < process->count; i++)
		if (process->hands[i].job)
			return true;
	return false;
}

static void cancel_all(struct process *process)
{
	for (int i = 0; i < process->count; i++) {
		struct hand *hand = &process->hands[i];

		if (hand->job)
			atomic_store(&hand->job->cancelled, true);
	}
}

static bool any_alive(const struct process *process)
{
	for (int i = 0; i < process->count; i++)
		if (process->hands[i].fd >= 0)
			return true;
	return false;
}

/* The memory of workers that stand by as of those at work: who has too much goes after its job. */
static void look_at_sizes(struct process *process)
{
	uint64_t limit = process->engine->settings.recycle_memory;

	for (int i = 0; limit > 0 && i < process->count; i++)
		if (process->hands[i].fd >= 0)
			process->hands[i].grown = resident_bytes(process->hands[i].pid) > limit;
}

/* Workers that died, that should go, that hang; and those that could not be forked before. */
static void look_after(struct process *process)
{
	int64_t now_us = clock_monotonic_us();
	bool now = now_us - process->looked_us >= FORK_RETRY_MS * 1000;

	for (int i = 0; i < process->count; i++) {
		struct hand *hand = &process->hands[i];

		if (hand->fd >= 0 && hand_is_stuck(hand, now_us))
			replace(process, hand);
		else if (is_worn(process, hand))
			replace(process, hand);
		else if (hand->fd < 0 && hand->hired)
			replace(process, hand);
		else if (hand->fd < 0 && i < process->wanted && now && !atomic_load(&process->cancelled))
			hire(process, hand);
	}
	if (!now)
		return;
	spawner_mend(&process->spawner);
	look_at_sizes(process);
	process->looked_us = now_us;
	if (!any_alive(process)) /* nothing waits for ever */
		job_queue_refuse_all(&process->engine->queue, "no worker process can be started");
}

static void turn(struct process *process)
{
	struct epoll_event events[EVENTS_A_TURN];
	int ready = epoll_wait(process->epoll, events, EVENTS_A_TURN, LOOK_EVERY_MS);

	for (int i = 0; i < ready; i++)
		if (events[i].data.ptr) /* else it is the event, which only ends the wait */
			hand_work(events[i].data.ptr, events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR));
	if (atomic_load(&process->cancelled))
		cancel_all(process);
	for (int i = 0; i < process->count; i++)
		if (process->hands[i].job &&
		        (atomic_load(&process->hands[i].poked) || atomic_load(&process->hands[i].job->cancelled)))
			hand_work(&process->hands[i], false);
	look_after(process);
}

static void *work(void *arg)
{
	struct process *process = arg;
	bool more = true;

	while (more || any_busy(process)) {
		more = hand_out(process);
		if (more || any_busy(process))
			turn(process);
	}
	for (int i = 0; i < process->count; i++) {
		struct job *none = NULL;

		hand_lose(&process->hands[i], &none);
	}
	return NULL;
}

static int start(struct engine *engine, struct fail *fail)
{
	struct process *process = engine->own;
	struct epoll_event event = {.events = EPOLLIN | EPOLLET}; /* told once for each write: it is never read */
	int r = 0;

	process->epoll = epoll_create1(EPOLL_CLOEXEC);
	process->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (process->epoll < 0 || process->event < 0 ||
	        epoll_ctl(process->epoll, EPOLL_CTL_ADD, process->event, &event) < 0)
		return fail_set(fail, -errno, "starting the process engine: %s", strerror(errno));
	for (int i = 0; i < process->wanted && r == 0; i++)
		r = hire(process, &process->hands[i]);
	if (r == 0)
		r = -pthread_create(&process->thread, NULL, work, process);
	if (r < 0)
		return fail_set(fail, r, "starting the process engine: %s", strerror(-r));
	process->started = true;
	return 0;
}

static void poke_thread(struct process *process)
{
	uint64_t one = 1;

	if (write(process->event, &one, sizeof(one)) < 0 && errno != EAGAIN)
		WRONG("eventfd");
}

static void stop(struct engine *engine, bool drain)
{
	struct process *process = engine->own;

	if (!drain) {
		job_queue_refuse_all(&engine->queue, "the daemon stops");
		atomic_store(&process->cancelled, true);
	}
	if (process->started) {
		poke_thread(process);
		pthread_join(process->thread, NULL);
		process->started = false;
	}
	if (process->epoll >= 0)
		close(process->epoll);
	if (process->event >= 0)
		close(process->event);
	process->epoll = process->event = -1;
}

static void process_bulk_request(struct engine *engine, struct job *const *jobs, size_t count)
{
	struct process *process = engine->own;

	pool_put(engine, jobs, count);
	if (!pthread_equal(pthread_self(), process->thread)) /* it looks itself when it has done what it does */
		poke_thread(process);
}

const struct engine_ops engine_process = {
        .abi = ENGINE_ABI,
        .name = "process",
        .workers_max = 1024,
        .prepare = prepare,
        .release = release,
        .create_session = base_create_session,
        .process_bulk_request = process_bulk_request,
        .start = start,
        .stop = stop,
};
