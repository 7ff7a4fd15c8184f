/* Who runs when not all can; the engines only note what they are given. */
#include "engine/scheduler.h"

#include "engine/base.h"

#include "../unit.h"

#include "../support/ask.h"

#include <time.h>

#define NOTED_MAX 4096

struct noting {
	struct engine engine;
	struct job *jobs[NOTED_MAX]; /* in the order of their coming; NULL: ended */
	size_t count;
	bool at_once; /* ends each while it is submitted */
};

static void end_job(struct noting *n, size_t index, unsigned status)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct job_head head = {.status = status, .reason = "", .fields = &fields, .framed = true};
	struct job_result result = {.outcome = JOB_DONE};
	struct job *job = n->jobs[index];

	ck_assert_ptr_nonnull(job);
	n->jobs[index] = NULL;
	job_tell_head(job, &head);
	job_tell_done(job, &result);
}

static void note(struct engine *engine, struct job *const *jobs, size_t count)
{
	struct noting *n = engine->own;

	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_lt(n->count, NOTED_MAX);
		n->jobs[n->count++] = jobs[i];
		if (n->at_once)
			end_job(n, n->count - 1, 200);
	}
}

static const struct engine_ops ops = {
        .abi = ENGINE_ABI, .name = "noting", .workers_max = 1, .process_bulk_request = note};

static void noting_init(struct noting *n, int workers, int queue)
{
	*n = (struct noting){.engine = {.magic = ENGINE_MAGIC,
	                             .ops = &ops,
	                             .settings = {.workers = workers, .queue = queue},
	                             .allowed = workers}};
	n->engine.own = n;
	job_queue_init(&n->engine.queue, 1);
}

/* One engine and jobs of many askers. */
struct bench {
	struct noting noting;
	struct scheduler *scheduler;
	struct lane *lane;
	struct ask *asks;
	size_t count;
};

static void make(struct bench *b, int workers, int queue, int ceiling, size_t count)
{
	*b = (struct bench){.scheduler = scheduler_new(ceiling), .count = count};
	noting_init(&b->noting, workers, queue);
	b->lane = scheduler_add(b->scheduler, &b->noting.engine);
	b->asks = calloc(count, sizeof(*b->asks));
	for (size_t i = 0; i < count; i++)
		ask_init(&b->asks[i], "GET", "/");
}

static void clear(struct bench *b)
{
	scheduler_close(b->scheduler);
	for (size_t i = 0; i < b->noting.count; i++)
		if (b->noting.jobs[i])
			end_job(&b->noting, i, 200);
	for (size_t i = 0; i < b->count; i++)
		ask_release(&b->asks[i]);
	free(b->asks);
	scheduler_free(b->scheduler);
	job_queue_release(&b->noting.engine.queue);
}

static void submit(struct bench *b, size_t index, uint64_t share, enum job_rank rank)
{
	b->asks[index].job.share = share;
	b->asks[index].job.rank = rank;
	scheduler_submit(b->scheduler, b->lane, &b->asks[index].job);
}

/* Which of the asks came to the engine as number `place`. */
static size_t came(const struct bench *b, size_t place)
{
	ck_assert_uint_lt(place, b->noting.count);
	return (size_t)((struct ask *)b->noting.jobs[place] - b->asks);
}

START_TEST(as_many_run_as_may)
{
	struct bench b;
	struct engine_figures figures;

	make(&b, 2, 3, 0, 6);
	for (size_t i = 0; i < 6; i++)
		submit(&b, i, 1, JOB_INTERACTIVE);
	ck_assert_uint_eq(b.noting.count, 2);
	engine_get_figures(&b.noting.engine, &figures);
	ck_assert_int_eq(figures.queued, 3);
	ck_assert_int_eq(figures.queue_limit, 3);
	ck_assert_uint_eq(figures.refused, 1);
	ask_assert_outcome(&b.asks[5], JOB_REFUSED);
	ck_assert_str_eq(b.asks[5].result.text, "the queue is full");
	end_job(&b.noting, 1, 200);
	ck_assert_uint_eq(b.noting.count, 3);
	ck_assert_uint_eq(came(&b, 2), 2);
	for (size_t i = 2; i < 5; i++)
		end_job(&b.noting, i, 200);
	ck_assert_uint_eq(b.noting.count, 5);
	clear(&b);
}
END_TEST

/* A dashboard with 500 reads, then one person with one: it waits for what runs, not for what waits. */
START_TEST(many_do_not_starve_one)
{
	struct bench b;

	make(&b, 4, 1000, 0, 501);
	for (size_t i = 0; i < 500; i++)
		submit(&b, i, 7, JOB_INTERACTIVE);
	submit(&b, 500, 8, JOB_INTERACTIVE);
	end_job(&b.noting, 0, 200);
	end_job(&b.noting, 1, 200);
	ck_assert(came(&b, 4) == 500 || came(&b, 5) == 500);
	for (size_t i = 2; i < 501; i++)
		end_job(&b.noting, i, 200);
	clear(&b);
}
END_TEST

START_TEST(ranks_go_before_each_other)
{
	static const size_t order[] = {0, 4, 3, 2, 1};
	struct bench b;

	make(&b, 1, 100, 0, 5);
	submit(&b, 0, 1, JOB_INTERACTIVE);
	submit(&b, 1, 1, JOB_BACKGROUND);
	submit(&b, 2, 1, JOB_READ_AHEAD);
	submit(&b, 3, 1, JOB_INTERACTIVE);
	submit(&b, 4, 1, JOB_LOOK);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(came(&b, i), order[i]);
		end_job(&b.noting, i, 200);
	}
	clear(&b);
}
END_TEST

/* The watcher's looks: before all that wait, and although nobody else is let in any more. */
START_TEST(looks_wait_for_nothing_but_a_worker)
{
	struct bench b;

	make(&b, 2, 10, 0, 16);
	for (size_t i = 0; i < 12; i++)
		submit(&b, i, i, JOB_INTERACTIVE);
	submit(&b, 12, 1, JOB_INTERACTIVE);
	ask_assert_outcome(&b.asks[12], JOB_REFUSED);
	submit(&b, 13, 1, JOB_LOOK);
	submit(&b, 14, 1, JOB_LOOK);
	end_job(&b.noting, 0, 200);
	end_job(&b.noting, 1, 200);
	ck_assert_uint_eq(came(&b, 2), 13);
	ck_assert_uint_eq(came(&b, 3), 14);
	b.count = 15;
	clear(&b);
}
END_TEST

/* Of three ranks that never end each runs now and then, the higher more often. */
START_TEST(no_rank_waits_for_ever)
{
	enum { EACH = 600, RANKS = 3 };
	size_t ran[JOB_RANKS] = {0};
	struct bench b;

	make(&b, 1, 10000, 0, RANKS * EACH);
	for (size_t i = 0; i < RANKS * EACH; i++)
		submit(&b, i, 1, (enum job_rank)(JOB_INTERACTIVE + i / EACH));
	for (size_t i = 0; i < EACH; i++) {
		ran[JOB_INTERACTIVE + came(&b, i) / EACH]++;
		end_job(&b.noting, i, 200);
	}
	ck_assert_uint_gt(ran[JOB_INTERACTIVE], EACH * 3 / 4);
	ck_assert_uint_gt(ran[JOB_READ_AHEAD], EACH / 50);
	ck_assert_uint_gt(ran[JOB_BACKGROUND], EACH / 50);
	clear(&b);
}
END_TEST

/* What nobody waits for leaves workers, and room in the queue, to what somebody does. */
START_TEST(some_room_is_kept)
{
	struct bench b;
	size_t i = 0;

	make(&b, 8, 20, 0, 50);
	for (; i < 30; i++)
		submit(&b, i, 1, i % 2 ? JOB_BACKGROUND : JOB_READ_AHEAD);
	ck_assert_uint_eq(b.noting.count, 6);
	ask_assert_outcome(&b.asks[29], JOB_REFUSED);
	submit(&b, i++, 2, JOB_INTERACTIVE);
	submit(&b, i++, 2, JOB_INTERACTIVE);
	ck_assert_uint_eq(b.noting.count, 8);
	submit(&b, i++, 2, JOB_INTERACTIVE);
	ck_assert_int_eq(atomic_load(&b.asks[i - 1].dones), 0);
	end_job(&b.noting, 0, 200);
	ck_assert_uint_eq(came(&b, 8), i - 1);
	b.count = 50;
	clear(&b);
}
END_TEST

START_TEST(ceiling_is_over_all)
{
	struct noting other;
	struct lane *lane;
	struct bench b;
	struct ask more[3];

	make(&b, 4, 100, 5, 8);
	noting_init(&other, 4, 100);
	lane = scheduler_add(b.scheduler, &other.engine);
	for (size_t i = 0; i < 8; i++)
		submit(&b, i, 1, JOB_INTERACTIVE);
	for (size_t i = 0; i < 3; i++) {
		ask_init(&more[i], "GET", "/");
		scheduler_submit(b.scheduler, lane, &more[i].job);
	}
	ck_assert_uint_eq(b.noting.count, 4);
	ck_assert_uint_eq(other.count, 1);
	end_job(&b.noting, 0, 200); /* the engines take turns */
	end_job(&b.noting, 1, 200);
	ck_assert_uint_eq(b.noting.count, 5);
	ck_assert_uint_eq(other.count, 2);
	for (size_t i = 0; i < 3; i++)
		end_job(&other, i, 200);
	for (size_t i = 0; i < 3; i++)
		ask_release(&more[i]);
	clear(&b);
	job_queue_release(&other.engine.queue);
}
END_TEST

START_TEST(cancelled_while_waiting)
{
	struct bench b;

	make(&b, 1, 100, 0, 4);
	for (size_t i = 0; i < 3; i++)
		submit(&b, i, 1, JOB_INTERACTIVE);
	job_cancel(&b.asks[1].job); /* done at once, on this thread */
	ck_assert_int_eq(atomic_load(&b.asks[1].dones), 1);
	ask_assert_outcome(&b.asks[1], JOB_CANCELLED);
	job_cancel(&b.asks[1].job);
	job_cancel(&b.asks[3].job);
	submit(&b, 3, 1, JOB_INTERACTIVE); /* cancelled before it came */
	ask_assert_outcome(&b.asks[3], JOB_CANCELLED);
	end_job(&b.noting, 0, 200);
	ck_assert_uint_eq(came(&b, 1), 2);
	ck_assert_int_eq(b.noting.engine.waiting, 0);
	clear(&b);
}
END_TEST

/* Somebody asks for what was only read ahead: it goes before the rest of its rank, and its workers are no limit to it. */
START_TEST(hastened)
{
	struct bench b;

	make(&b, 4, 100, 0, 10);
	for (size_t i = 0; i < 9; i++)
		submit(&b, i, 1, JOB_READ_AHEAD);
	ck_assert_uint_eq(b.noting.count, 3); /* one worker is kept free */
	job_hasten(&b.asks[7].job, JOB_INTERACTIVE);
	job_hasten(&b.asks[8].job, JOB_INTERACTIVE);
	job_hasten(&b.asks[8].job, JOB_BACKGROUND);  /* never slower than it is */
	job_hasten(&b.asks[0].job, JOB_INTERACTIVE); /* it runs */
	ck_assert_uint_eq(b.noting.count, 3);
	scheduler_nudge(b.scheduler);
	ck_assert_uint_eq(b.noting.count, 4);
	ck_assert_uint_eq(came(&b, 3), 7);
	end_job(&b.noting, 0, 200);
	ck_assert_uint_eq(came(&b, 4), 8);
	for (size_t i = 1; i < 5; i++)
		end_job(&b.noting, i, 200);
	ck_assert_uint_eq(b.noting.count, 8); /* three of the rest */
	b.asks[9].job.rank = JOB_BACKGROUND;
	job_hasten(&b.asks[9].job, JOB_INTERACTIVE); /* before it is submitted */
	ck_assert_int_eq(b.asks[9].job.rank, JOB_INTERACTIVE);
	clear(&b);
}
END_TEST

START_TEST(closed)
{
	struct bench b;

	make(&b, 1, 100, 0, 4);
	for (size_t i = 0; i < 3; i++)
		submit(&b, i, i, (enum job_rank)i);
	scheduler_close(b.scheduler);
	submit(&b, 3, 1, JOB_INTERACTIVE);
	for (size_t i = 1; i < 4; i++) {
		ask_assert_outcome(&b.asks[i], JOB_REFUSED);
		ck_assert_str_eq(b.asks[i].result.text, "the daemon stops");
	}
	ck_assert_int_eq(atomic_load(&b.asks[0].dones), 0); /* it runs on */
	clear(&b);
}
END_TEST

/* An engine that answers while it is asked does not pile up calls on the stack. */
START_TEST(answers_at_once)
{
	struct bench b;

	make(&b, 1, 4000, 0, 4000);
	for (size_t i = 0; i < 4000; i++)
		submit(&b, i, i % 7, JOB_INTERACTIVE);
	b.noting.at_once = true;
	end_job(&b.noting, 0, 200);
	ck_assert_uint_eq(b.noting.count, 4000);
	for (size_t i = 0; i < 4000; i++)
		ck_assert_int_eq(atomic_load(&b.asks[i].dones), 1);
	clear(&b);
}
END_TEST

/* "workers = auto": too many requests take it down, and what waits goes by the new limit. */
START_TEST(limit_follows_redmine)
{
	struct scheduler *s = scheduler_new(0);
	struct noting n;
	struct lane *lane;
	struct ask asks[40];

	noting_init(&n, 64, 100);
	n.engine.automatic = true;
	n.engine.allowed = 20;
	lane = scheduler_add(s, &n.engine);
	for (size_t i = 0; i < 40; i++) {
		ask_init(&asks[i], "GET", "/");
		scheduler_submit(s, lane, &asks[i].job);
	}
	ck_assert_uint_eq(n.count, 20);
	end_job(&n, 0, 429);
	ck_assert_int_eq(n.engine.allowed, 14);
	for (size_t i = 1; i < 6; i++)
		end_job(&n, i, 429); /* of the same burst: once is enough */
	ck_assert_int_eq(n.engine.allowed, 14);
	ck_assert_uint_eq(n.count, 20);
	end_job(&n, 6, 200);
	ck_assert_uint_eq(n.count, 21);
	for (size_t i = 7; i < 40; i++)
		end_job(&n, i, 200);
	for (size_t i = 0; i < 40; i++)
		ask_release(&asks[i]);
	scheduler_free(s);
	job_queue_release(&n.engine.queue);
}
END_TEST

/* Threads that submit, cancel and end at random: every job ends once. */
struct racer {
	struct bench *bench;
	size_t from, to;
	bool cancels;
	pthread_t thread;
};

static void *race(void *arg)
{
	struct racer *racer = arg;

	for (size_t i = racer->from; i < racer->to; i++) {
		if (racer->cancels && i % 3)
			job_cancel(&racer->bench->asks[i].job);
		else if (racer->cancels)
			job_hasten(&racer->bench->asks[i].job, JOB_INTERACTIVE);
		else
			submit(racer->bench, i, i % 5, (enum job_rank)(i % JOB_RANKS));
	}
	return NULL;
}

START_TEST(many_threads)
{
	enum { ROUNDS = 2000 };
	struct bench b;
	struct racer racers[4];
	struct fail fail = {0};
	struct engine_settings settings = {.workers = 3, .queue = 4 * ROUNDS};
	struct engine *engine = engine_new("thread", &settings, &fail);
	struct lane *own;

	make(&b, 1, 1, 2, 2 * ROUNDS);
	own = b.lane;
	b.lane = scheduler_add(b.scheduler, engine);
	ck_assert_ptr_nonnull(engine);
	/* Not started: what comes to its queue waits there until it is closed. */
	for (size_t i = 0; i < 4; i++) {
		racers[i] = (struct racer){
		        .bench = &b, .from = i / 2 * ROUNDS, .to = (i / 2 + 1) * ROUNDS, .cancels = i % 2};
		ck_assert_int_eq(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(racers[i].thread, NULL);
	scheduler_close(b.scheduler);
	engine_close(engine);
	job_queue_refuse_all(&engine->queue, "over");
	for (size_t i = 0; i < b.count; i++)
		ck_assert_int_eq(atomic_load(&b.asks[i].dones), 1);
	b.lane = own;
	clear(&b);
	engine_free(engine);
}
END_TEST

/* What else runs on the machine does not count. */
static int64_t processor_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

/* A bar far above what it is, also on a machine that is slow; a sanitizer makes it dearer. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COST_MAX_US 1000
#else
#define COST_MAX_US 100
#endif

/* What the way through the scheduler costs where nothing waits. */
START_TEST(cheap_without_waiting)
{
	enum { ROUNDS = 20000 };
	struct bench b;
	int64_t began_us;

	make(&b, 4, 100, 0, 1);
	b.noting.at_once = true;
	began_us = processor_us();
	for (size_t i = 0; i < ROUNDS; i++) {
		b.noting.count = 0;
		b.asks[0].dones = 0;
		submit(&b, 0, 1, JOB_INTERACTIVE);
	}
	ck_assert_int_lt(processor_us() - began_us, ROUNDS * COST_MAX_US);
	clear(&b);
}
END_TEST

UNIT_MAIN("scheduler", as_many_run_as_may, many_do_not_starve_one, ranks_go_before_each_other,
        looks_wait_for_nothing_but_a_worker, no_rank_waits_for_ever, some_room_is_kept, ceiling_is_over_all,
        cancelled_while_waiting, hastened, closed, answers_at_once, limit_follows_redmine, many_threads,
        cheap_without_waiting)
