/*
 * One suite over every engine. A test is run once for each row of the table of
 * conformance.c; it gets an engine of that kind with an origin behind it. A
 * new engine is a row there; a new group of tests a file here.
 */
#ifndef ENGINE_CONFORMANCE_H
#define ENGINE_CONFORMANCE_H

#include "bed.h"

/* A group: adds its tests, each in a loop over the engines. */
typedef void add_test(const TTest *test);
void add_ends(add_test *add);
void add_cancels(add_test *add);
void add_bytes(add_test *add);
void add_streams(add_test *add);
void add_connections(add_test *add);

#endif
