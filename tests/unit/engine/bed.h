/*
 * An engine at work before an origin, for the suite over all engines and for
 * the tests of one.
 */
#ifndef ENGINE_BED_H
#define ENGINE_BED_H

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
	int crowd;           /* transfers that it does at a time when it is let; 0: as many as workers */
	bool single;         /* one job at a time, in the order of their submission */
	const char *path;    /* of a plug-in */
	const char *options; /* and what it is told; a folder that is made for the test takes the place of "FOLDER" */
};

/* Each test program has a table of those that it runs. */
extern struct kind engine_kinds[];

/* An engine at work before an origin. */
struct bed {
	const struct kind *kind;
	struct http_origin *http;
	struct origin origin;
	struct engine *engine;
	char folder[64], options[256]; /* of a plug-in; "": none */
	bool stopped;
};

struct bed_options {
	int workers; /* 0: what the kind has */
	int queue;   /* 0: plenty */
	int recycle_jobs;
	uint64_t recycle_memory;
	const char *url; /* NULL: the origin's own */
};

/* routes: of the origin, borrowed. arg: for its acts. index: which engine, Check's _i. */
void bed_make(struct bed *bed, int index, const struct http_route *routes, size_t count, void *arg,
        const struct bed_options *options);
/* Stops the engine with what runs finished, and looks that nothing is left. */
void bed_clear(struct bed *bed);

/* Submits one and waits for its end. */
void bed_ask(struct bed *bed, struct ask *a);

#endif
