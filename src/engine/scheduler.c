#include "engine/scheduler.h"

#include "base/clock.h"
#include "engine/base.h"
#include "engine/limiter.h"
#include "engine/waiting.h"

/* After so many jobs that went before a rank, one of it has its turn. */
#define PATIENCE 16
/* So many of the watcher's find room in a queue that is full. */
#define LOOKS 8

struct lane {
	struct scheduler *scheduler;
	struct engine *engine;
	struct lane *next;
	struct waiting waiting;
	struct limiter limiter; /* of "workers = auto" */
	int limit;              /* jobs that may run */
	int running, unasked;   /* jobs that run; those of them that nobody waits for */
};

struct scheduler {
	unsigned magic;
#define SCHEDULER_MAGIC 0x5c4ed011
	pthread_mutex_t lock; /* guards all */
	struct lane *lanes;
	int ceiling, running;
	int passed[JOB_RANKS]; /* jobs of higher ranks that went before one of this that could have run */
	bool automatic;        /* the ceiling is what the largest engine may run */
	bool closed;
};

/* This thread hands out jobs already: whatever becomes free meanwhile is seen there. */
static _Thread_local bool handing_out;

struct scheduler *scheduler_new(int ceiling)
{
	struct scheduler *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->magic = SCHEDULER_MAGIC;
	s->ceiling = ceiling;
	s->automatic = ceiling == 0;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void scheduler_free(struct scheduler *s)
{
	if (!s)
		return;
	CHECK(s, SCHEDULER_MAGIC);
	ASSERT(s->running == 0);
	while (s->lanes) {
		struct lane *lane = s->lanes;

		s->lanes = lane->next;
		waiting_release(&lane->waiting);
		free(lane);
	}
	pthread_mutex_destroy(&s->lock);
	s->magic = 0;
	free(s);
}

struct lane *scheduler_add(struct scheduler *s, struct engine *engine)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	CHECK(s, SCHEDULER_MAGIC);
	if (!lane)
		return NULL;
	*lane = (struct lane){.scheduler = s, .engine = engine, .next = s->lanes};
	lane->limit = atomic_load(&engine->allowed);
	if (engine->automatic)
		limiter_init(&lane->limiter, lane->limit, engine->settings.workers);
	waiting_init(&lane->waiting);
	if (s->automatic && engine->settings.workers > s->ceiling)
		s->ceiling = engine->settings.workers;
	s->lanes = lane;
	return lane;
}

/* Some of the workers are kept for those that somebody waits for. */
static int unasked_limit(const struct lane *lane, enum job_rank rank)
{
	int limit = rank == JOB_READ_AHEAD ? lane->limit * 3 / 4 : lane->limit / 2;

	return limit > 0 ? limit : 1;
}

static bool has_room(const struct lane *lane, enum job_rank rank)
{
	return lane->running < lane->limit && (rank <= JOB_INTERACTIVE || lane->unasked < unasked_limit(lane, rank));
}

static void note_start(struct lane *lane, const struct job *job)
{
	lane->running++;
	lane->scheduler->running++;
	lane->unasked += job->placed > JOB_INTERACTIVE;
}

static void note_waiting(struct lane *lane)
{
	atomic_store_explicit(&lane->engine->waiting, lane->waiting.size, memory_order_relaxed);
}

/* The first engine that has a job of that rank waiting and room for it. */
static struct lane *lane_for(struct scheduler *s, enum job_rank rank)
{
	for (struct lane *lane = s->lanes; lane; lane = lane->next)
		if (lane->waiting.ranks[rank].size > 0 && has_room(lane, rank))
			return lane;
	return NULL;
}

/* It had its turn: the others come before it. */
static void move_back(struct scheduler *s, struct lane *lane)
{
	struct lane **at = &s->lanes;

	if (!s->lanes->next)
		return;
	while (*at != lane)
		at = &(*at)->next;
	*at = lane->next;
	while (*at)
		at = &(*at)->next;
	*at = lane;
	lane->next = NULL;
}

/* The job whose turn it is, counted as one that runs; NULL: none may run. Under the lock. */
static struct job *choose(struct scheduler *s, struct lane **ret_lane)
{
	struct lane *lanes[JOB_RANKS];
	int chosen = -1;
	struct job *job;

	if (s->running >= s->ceiling)
		return NULL;
	for (int rank = JOB_RANKS - 1; rank >= 0; rank--) {
		lanes[rank] = lane_for(s, rank);
		if (lanes[rank] && (chosen < 0 || s->passed[chosen] < PATIENCE))
			chosen = rank;
	}
	if (chosen < 0)
		return NULL;
	for (int rank = chosen + 1; rank < JOB_RANKS; rank++)
		s->passed[rank] += lanes[rank] != NULL;
	s->passed[chosen] = 0;
	*ret_lane = lanes[chosen];
	job = waiting_take(&(*ret_lane)->waiting, chosen);
	atomic_store(&job->keeper, NULL);
	note_waiting(*ret_lane);
	note_start(*ret_lane, job);
	move_back(s, *ret_lane);
	return job;
}

/* Hands out whatever may run. */
static void hand_out(struct scheduler *s)
{
	struct lane *lane;
	struct job *job;

	if (handing_out)
		return;
	handing_out = true;
	do {
		pthread_mutex_lock(&s->lock);
		job = choose(s, &lane);
		pthread_mutex_unlock(&s->lock);
		if (job)
			engine_submit(lane->engine, job);
	} while (job);
	handing_out = false;
}

static bool is_overload(const struct job *job, const struct job_result *result)
{
	return job->status == 429 || job->status == 503 || result->outcome == JOB_TIMEOUT;
}

/* Of "workers = auto". Under the lock. */
static void adjust(struct lane *lane, const struct job *job, const struct job_result *result)
{
	struct limiter_end end = {
	        .now_us = clock_monotonic_us(), .running = lane->running, .overloaded = is_overload(job, result)};

	if (result->outcome == JOB_CANCELLED || result->outcome == JOB_REFUSED)
		return;
	lane->limit = limiter_note(&lane->limiter, &end);
	atomic_store_explicit(&lane->engine->allowed, lane->limit, memory_order_relaxed);
}

/* job->ended: the engine's thread, or whoever else ends it. */
static void on_ended(struct job *job, const struct job_result *result)
{
	struct lane *lane = job->place;
	struct scheduler *s = lane->scheduler;

	CHECK(s, SCHEDULER_MAGIC);
	job->ended = NULL;
	pthread_mutex_lock(&s->lock);
	if (lane->engine->automatic)
		adjust(lane, job, result);
	lane->running--;
	s->running--;
	lane->unasked -= job->placed > JOB_INTERACTIVE;
	pthread_mutex_unlock(&s->lock);
	job_queue_returning(true);
	hand_out(s);
	job_queue_returning(false);
}

/* It will not run. Under the lock. */
static void take_out(struct lane *lane, struct job *job)
{
	atomic_store(&job->keeper, NULL);
	job->ended = NULL;
	waiting_remove(&lane->waiting, job);
	note_waiting(lane);
}

/* job->keeper */
static bool withdraw(struct job *job)
{
	struct lane *lane = job->place;
	struct scheduler *s = lane->scheduler;
	bool waits;

	CHECK(s, SCHEDULER_MAGIC);
	pthread_mutex_lock(&s->lock);
	waits = atomic_load(&job->keeper) != NULL;
	if (waits)
		take_out(lane, job);
	pthread_mutex_unlock(&s->lock);
	return waits;
}

/* Under the lock. */
static void rank_again(struct lane *lane, struct job *job)
{
	enum job_rank before = job->placed;

	waiting_remove(&lane->waiting, job);
	job->placed = atomic_load(&job->rank);
	if (waiting_put(&lane->waiting, job) == 0)
		return;
	job->placed = before; /* where it comes from there is memory for it */
	if (waiting_put(&lane->waiting, job) < 0)
		WRONG("a share that was just there");
}

/* job->keeper */
static void hasten(struct job *job)
{
	struct lane *lane = job->place;
	struct scheduler *s = lane->scheduler;

	CHECK(s, SCHEDULER_MAGIC);
	pthread_mutex_lock(&s->lock);
	if (atomic_load(&job->keeper))
		rank_again(lane, job);
	pthread_mutex_unlock(&s->lock);
}

static const struct job_keeper keeper = {.withdraw = withdraw, .hasten = hasten};

/* Places in the queue. */
static int room_for(const struct lane *lane, enum job_rank rank)
{
	int room = lane->engine->settings.queue;

	if (rank == JOB_LOOK)
		return room + LOOKS;
	return rank == JOB_INTERACTIVE ? room : room / 2;
}

enum verdict { RUNS, WAITS, REFUSED, GONE };

/* Under the lock; a cancel or a rank that came before the keeper was there is seen here. */
static enum verdict judge(struct scheduler *s, struct lane *lane, struct job *job, const char **ret_why)
{
	int room = room_for(lane, job->placed);

	*ret_why = "the daemon stops";
	if (s->closed)
		return REFUSED;
	if (lane->waiting.ranks[job->placed].size == 0 && s->running < s->ceiling && has_room(lane, job->placed)) {
		note_start(lane, job);
		return RUNS;
	}
	*ret_why = "the queue is full";
	if (lane->waiting.size >= room)
		return REFUSED;
	*ret_why = "out of memory";
	if (waiting_put(&lane->waiting, job) < 0)
		return REFUSED;
	atomic_store(&job->keeper, &keeper);
	if (atomic_load(&job->cancelled)) {
		take_out(lane, job);
		return GONE;
	}
	if (atomic_load(&job->rank) != job->placed)
		rank_again(lane, job);
	note_waiting(lane);
	return WAITS;
}

void scheduler_submit(struct scheduler *s, struct lane *lane, struct job *job)
{
	enum verdict verdict;
	const char *why;

	CHECK(s, SCHEDULER_MAGIC);
	job->place = lane;
	job->ended = on_ended;
	job->status = 0;
	job->placed = atomic_load(&job->rank);
	pthread_mutex_lock(&s->lock);
	verdict = judge(s, lane, job, &why);
	pthread_mutex_unlock(&s->lock);
	switch (verdict) {
	case RUNS:
		engine_submit(lane->engine, job);
		return;
	case REFUSED:
		job->ended = NULL;
		base_refuse(lane->engine, job, why);
		return;
	case GONE:
		job_end(job, JOB_CANCELLED, "");
		return;
	case WAITS: /* it is not ours any more */
		return;
	}
}

void scheduler_nudge(struct scheduler *s)
{
	CHECK(s, SCHEDULER_MAGIC);
	hand_out(s);
}

/* Any that waits, taken out. Under the lock. */
static struct job *take_any(struct scheduler *s, struct lane **ret_lane)
{
	for (struct lane *lane = s->lanes; lane; lane = lane->next)
		for (int rank = 0; rank < JOB_RANKS; rank++) {
			struct job *job = waiting_take(&lane->waiting, rank);

			if (job) {
				*ret_lane = lane;
				atomic_store(&job->keeper, NULL);
				job->ended = NULL;
				note_waiting(lane);
				return job;
			}
		}
	return NULL;
}

void scheduler_close(struct scheduler *s)
{
	struct lane *lane;
	struct job *job;

	CHECK(s, SCHEDULER_MAGIC);
	do {
		pthread_mutex_lock(&s->lock);
		s->closed = true;
		job = take_any(s, &lane);
		pthread_mutex_unlock(&s->lock);
		if (job)
			base_refuse(lane->engine, job, "the daemon stops");
	} while (job);
}
