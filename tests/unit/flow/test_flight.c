#include "flow/flight.h"

#include "kit.h"

/* Requests with a key, nothing else. */
struct field_of_requests {
	struct conf *conf;
	struct generations *generations;
	struct flights *flights;
};

static void make(struct field_of_requests *f)
{
	f->conf = kit_conf(NULL);
	f->generations = generations_new();
	f->flights = flights_new(f->generations);
	ck_assert_ptr_nonnull(f->flights);
}

static void clear(struct field_of_requests *f)
{
	flights_free(f->flights);
	generations_free(f->generations);
	conf_unref(f->conf);
}

static struct request *request_of(struct field_of_requests *f, unsigned key)
{
	struct request *r = request_new(NULL, NULL, f->conf, "GET", "/");

	memset(&r->key, 0, sizeof(r->key));
	memcpy(r->key.bytes + 8, &key, sizeof(key)); /* the hash of all is the same: they share a bucket */
	return r;
}

static enum flight_role join(struct field_of_requests *f, struct request *r, uint64_t tag, struct flight **ret)
{
	struct tags tags = {.count = 1, .items = {tag}};

	return flight_join(f->flights, r, &tags, ret);
}

/* Counts who waited, gives back the references that joining took. */
static unsigned land(struct field_of_requests *f, struct flight *flight, const struct request *leader)
{
	struct request *r = flight_land(f->flights, flight);
	unsigned count = 0;

	ck_assert_ptr_eq(r, leader);
	while (r) {
		struct request *next = r->next_waiter;

		request_unref(r);
		r = next;
		count++;
	}
	return count;
}

START_TEST(first_leads_the_rest_wait)
{
	struct field_of_requests f;
	struct request *r[4];
	struct flight *flight, *none;
	struct request *waiter;

	make(&f);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = request_of(&f, 1);
	ck_assert_int_eq(join(&f, r[0], 7, &flight), FLIGHT_LEAD);
	for (size_t i = 1; i < ARRAY_SIZE(r); i++)
		ck_assert_int_eq(join(&f, r[i], 7, &none), FLIGHT_WAIT);
	ck_assert_uint_eq(flight_notes(flight)->count, 1);
	waiter = flight_land(f.flights, flight);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++) { /* in the order in which they came */
		struct request *next = waiter->next_waiter;

		ck_assert_ptr_eq(waiter, r[i]);
		request_unref(waiter);
		waiter = next;
	}
	ck_assert_ptr_null(waiter);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		request_unref(r[i]);
	clear(&f);
}
END_TEST

START_TEST(keys_that_differ_do_not_meet)
{
	struct field_of_requests f;
	struct request *r[20];
	struct flight *flights[20];

	make(&f);
	for (unsigned i = 0; i < ARRAY_SIZE(r); i++) {
		r[i] = request_of(&f, i);
		ck_assert_int_eq(join(&f, r[i], 7, &flights[i]), FLIGHT_LEAD);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(r); i += 2)
		ck_assert_uint_eq(land(&f, flights[i], r[i]), 1);
	for (unsigned i = 1; i < ARRAY_SIZE(r); i += 2)
		ck_assert_uint_eq(land(&f, flights[i], r[i]), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(r); i++)
		request_unref(r[i]);
	clear(&f);
}
END_TEST

START_TEST(landed_is_not_joined)
{
	struct field_of_requests f;
	struct request *a, *b;
	struct flight *flight;

	make(&f);
	a = request_of(&f, 1);
	b = request_of(&f, 1);
	ck_assert_int_eq(join(&f, a, 7, &flight), FLIGHT_LEAD);
	ck_assert_uint_eq(land(&f, flight, a), 1);
	ck_assert_int_eq(join(&f, b, 7, &flight), FLIGHT_LEAD);
	ck_assert_uint_eq(land(&f, flight, b), 1);
	request_unref(a);
	request_unref(b);
	clear(&f);
}
END_TEST

/* A read after a write must not get what was asked for before it. */
START_TEST(spoilt_is_not_joined)
{
	static const uint64_t tag = 7, other = 8;
	struct field_of_requests f;
	struct request *r[5];
	struct flight *before, *during, *after, *none;

	make(&f);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		r[i] = request_of(&f, 1);
	ck_assert_int_eq(join(&f, r[0], tag, &before), FLIGHT_LEAD);
	generations_write_begin(f.generations, &other, 1);
	generations_write_end(f.generations, &other, 1, true);
	ck_assert_int_eq(join(&f, r[1], tag, &none), FLIGHT_WAIT); /* another's write */
	generations_write_begin(f.generations, &tag, 1);
	ck_assert_int_eq(join(&f, r[2], tag, &during), FLIGHT_LEAD);
	generations_write_end(f.generations, &tag, 1, true);
	ck_assert_int_eq(join(&f, r[3], tag, &after), FLIGHT_LEAD);
	ck_assert(!generations_current(f.generations, flight_notes(before)));
	ck_assert(!generations_current(f.generations, flight_notes(during)));
	ck_assert(generations_current(f.generations, flight_notes(after)));
	ck_assert_uint_eq(land(&f, before, r[0]), 2);
	ck_assert_int_eq(join(&f, r[4], tag, &none), FLIGHT_WAIT);
	ck_assert_uint_eq(land(&f, after, r[3]), 2);
	ck_assert_uint_eq(land(&f, during, r[2]), 1);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++)
		request_unref(r[i]);
	clear(&f);
}
END_TEST

START_TEST(parted_until_united)
{
	struct field_of_requests f;
	struct cache_key a = {.bytes = {1, 2, 3}}, b = {.bytes = {1, 2, 4}}, c = {.bytes = {9, 9, 9, 9, 9, 9, 9, 9}};

	make(&f);
	ck_assert(!flights_parted(f.flights, &a));
	flights_part(f.flights, &a);
	ck_assert(flights_parted(f.flights, &a));
	ck_assert(!flights_parted(f.flights, &b));
	flights_unite(f.flights, &b);
	flights_unite(f.flights, &c);
	ck_assert(flights_parted(f.flights, &a));
	flights_part(f.flights, &c);
	ck_assert(flights_parted(f.flights, &c));
	flights_unite(f.flights, &a);
	ck_assert(!flights_parted(f.flights, &a));
	clear(&f);
}
END_TEST

START_TEST(free_takes_null)
{
	flights_free(NULL);
}
END_TEST

#define THREADS 4
#define ROUNDS  4000
#define KEYS    3

struct crowd {
	struct field_of_requests f;
	atomic_uint handed_back;
	pthread_barrier_t start;
};

/* Joins again and again; whoever leads lands at once. A write spoils now and then. */
static void *fly(void *arg)
{
	struct crowd *crowd = arg;

	pthread_barrier_wait(&crowd->start);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t tag = i % KEYS;
		struct request *r = request_of(&crowd->f, i % KEYS), *waiter;
		struct flight *flight;

		if (i % 97 == 0) {
			generations_write_begin(crowd->f.generations, &tag, 1);
			generations_write_end(crowd->f.generations, &tag, 1, true);
		}
		if (i % 13 == 0)
			flights_part(crowd->f.flights, &r->key);
		if (i % 17 == 0)
			flights_unite(crowd->f.flights, &r->key);
		flights_parted(crowd->f.flights, &r->key);
		if (join(&crowd->f, r, tag, &flight) == FLIGHT_LEAD) {
			for (waiter = flight_land(crowd->f.flights, flight); waiter;) {
				struct request *next = waiter->next_waiter;

				atomic_fetch_add(&crowd->handed_back, 1);
				request_unref(waiter);
				waiter = next;
			}
		}
		request_unref(r);
	}
	return NULL;
}

START_TEST(many_threads)
{
	struct crowd crowd = {0};
	pthread_t threads[THREADS];

	make(&crowd.f);
	pthread_barrier_init(&crowd.start, NULL, THREADS);
	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, fly, &crowd), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(crowd.handed_back, THREADS * ROUNDS); /* each exactly once */
	pthread_barrier_destroy(&crowd.start);
	clear(&crowd.f);
}
END_TEST

/* Who joins what was asked for in the background gets it as soon as if it had asked itself. */
START_TEST(job_gets_the_highest_rank)
{
	static const struct job_client nobody;
	struct field_of_requests f;
	struct request *leader, *early, *late;
	struct flight *flight = NULL, *none = NULL;
	struct job job;

	make(&f);
	leader = request_of(&f, 1);
	early = request_of(&f, 1);
	late = request_of(&f, 1);
	job_init(&job, &nobody, NULL);
	leader->rank = job.rank = JOB_BACKGROUND;
	early->rank = JOB_READ_AHEAD;
	ck_assert_int_eq(join(&f, leader, 1, &flight), FLIGHT_LEAD);
	ck_assert_int_eq(join(&f, early, 1, &none), FLIGHT_WAIT);
	flight_carry(f.flights, flight, &job);
	ck_assert_int_eq(job.rank, JOB_READ_AHEAD);
	ck_assert_int_eq(join(&f, late, 1, &none), FLIGHT_WAIT);
	ck_assert_int_eq(job.rank, JOB_INTERACTIVE);
	ck_assert_uint_eq(land(&f, flight, leader), 3);
	job_release(&job);
	request_unref(leader);
	request_unref(early);
	request_unref(late);
	clear(&f);
}
END_TEST

UNIT_MAIN("flight", first_leads_the_rest_wait, job_gets_the_highest_rank, keys_that_differ_do_not_meet,
        landed_is_not_joined, spoilt_is_not_joined, parted_until_united, free_takes_null, many_threads)
