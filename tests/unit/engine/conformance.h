/*
 * One suite over every engine. A test is run once for each row of the table of
 * conformance.c; it gets an engine of that kind with an origin behind it. A
 * new engine is a row there; a new group of tests a file here.
 */
#ifndef ENGINE_CONFORMANCE_H
#define ENGINE_CONFORMANCE_H

#include "engine/engine.h"

#include "../support/ask.h"
#include "../support/origin.h"
#include "../support/usage.h"
#include "../support/wait.h"

#include <check.h>

/* A kind of engine as the suite runs it. */
struct kind {
	const char *name;
	int workers;
	bool single; /* one job at a time, in the order of their submission */
};

extern const struct kind engine_kinds[];

/* An engine at work before an origin. */
struct bed {
	const struct kind *kind;
	struct http_origin *http;
	struct origin origin;
	struct engine *engine;
	bool stopped;
};

struct bed_options {
	int workers;     /* 0: what the kind has */
	int queue;       /* 0: plenty */
	const char *url; /* NULL: the origin's own */
};

/* routes: of the origin, borrowed. arg: for its acts. index: which engine, Check's _i. */
void bed_make(struct bed *bed, int index, const struct http_route *routes, size_t count, void *arg,
        const struct bed_options *options);
/* Stops the engine with what runs finished, and looks that nothing is left. */
void bed_clear(struct bed *bed);

/* Submits one and waits for its end. */
void bed_ask(struct bed *bed, struct ask *a);

/* A group: adds its tests, each in a loop over the engines. */
typedef void add_test(const TTest *test);
void add_ends(add_test *add);
void add_cancels(add_test *add);
void add_bytes(add_test *add);
void add_streams(add_test *add);
void add_connections(add_test *add);

#endif
