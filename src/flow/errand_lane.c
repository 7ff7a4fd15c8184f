#include "flow/errand_inside.h"

#include "base/clock.h"

#define LATE_RETRY_AFTER 5

static struct errand_lane **bucket_of(struct errands *errands, const uint8_t *identity)
{
	return &errands->lanes[identity[0] % ERRAND_BUCKETS];
}

struct errand_lane *errand_lane_find(struct errands *errands, const uint8_t *identity)
{
	struct errand_lane *lane = *bucket_of(errands, identity);

	while (lane && memcmp(lane->identity, identity, DIGEST_SIZE) != 0)
		lane = lane->next;
	return lane;
}

static struct errand_lane *make(struct errands *errands, const uint8_t *identity)
{
	struct errand_lane **bucket = bucket_of(errands, identity);
	struct errand_lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return NULL;
	memcpy(lane->identity, identity, DIGEST_SIZE);
	lane->next = *bucket;
	*bucket = lane;
	return lane;
}

struct errand_lane *errand_lane_add(struct errands *errands, const uint8_t *identity, struct errand_turn *turn)
{
	struct errand_lane *lane = errand_lane_find(errands, identity);

	if (!lane)
		lane = make(errands, identity);
	if (!lane)
		return NULL;
	if (lane->last)
		lane->last->next = turn;
	else
		lane->first = turn;
	lane->last = turn;
	return lane;
}

static struct errand_turn *take_first(struct errand_lane *lane)
{
	struct errand_turn *turn = lane->first;

	lane->first = turn->next;
	if (!lane->first)
		lane->last = NULL;
	return turn;
}

/* The first write whose time is up, wherever it stands; NULL: none. */
static struct errand_turn *take_late(struct errand_lane *lane)
{
	struct errand_turn *before = NULL, *turn = lane->first;
	int64_t now_us = clock_monotonic_us();

	while (turn && !(turn->write && turn->until_us < now_us)) {
		before = turn;
		turn = turn->next;
	}
	if (!turn)
		return NULL;
	if (!before)
		return take_first(lane);
	before->next = turn->next;
	if (lane->last == turn)
		lane->last = before;
	return turn;
}

static void refuse(struct errand_turn *turn)
{
	struct request *r = turn->write;

	r->lane = NULL;
	pipe_abandon(&r->upload);
	request_answer_error(r, 503, LATE_RETRY_AFTER,
	        "Requests that came before and were answered 202 are not done yet. This one was not sent: nothing was changed.");
	flow_resume(r, STEP_DELIVER);
	request_unref(r);
	free(turn);
}

static void begin(struct errand_turn *turn)
{
	if (turn->errand) {
		errand_run(turn->errand);
		errand_unref(turn->errand);
	} else {
		flow_resume(turn->write, STEP_WRITE);
		request_unref(turn->write);
	}
	free(turn);
}

static void remove_lane(struct errands *errands, struct errand_lane *lane)
{
	struct errand_lane **at = bucket_of(errands, lane->identity);

	while (*at != lane)
		at = &(*at)->next;
	*at = lane->next;
	free(lane);
}

/* What begins may be over before it returns, and comes here again then: the one who drives goes on, so that a long lane does not pile up on the stack. */
void errand_lane_drive(struct errands *errands, struct errand_lane *lane)
{
	if (lane->driven)
		return;
	lane->driven = true;
	while (lane->first && !errands->ended) {
		struct errand_turn *late = take_late(lane), *turn = NULL;

		if (!late && lane->busy)
			break;
		if (!late) {
			turn = take_first(lane);
			lane->busy = true;
		}
		if (turn && turn->errand) {
			turn->errand->state = ERRAND_RUNNING;
			errands->waiting--;
			errands->running++;
		}
		pthread_mutex_unlock(&errands->lock);
		if (late)
			refuse(late);
		else
			begin(turn);
		pthread_mutex_lock(&errands->lock);
	}
	lane->driven = false;
	if (!lane->busy && !lane->first)
		remove_lane(errands, lane);
}

void errand_lane_finish(struct errands *errands, struct errand_lane *lane)
{
	lane->busy = false;
	errand_lane_drive(errands, lane);
}

struct errand_turn *errand_lanes_clear(struct errands *errands)
{
	struct errand_turn *all = NULL, **end = &all;

	for (size_t i = 0; i < ERRAND_BUCKETS; i++) {
		struct errand_lane *next;

		for (struct errand_lane *lane = errands->lanes[i]; lane; lane = next) {
			next = lane->next;
			*end = lane->first;
			if (lane->last)
				end = &lane->last->next;
			lane->first = lane->last = NULL;
			if (!lane->busy && !lane->driven)
				remove_lane(errands, lane);
		}
	}
	return all;
}
