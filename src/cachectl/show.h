/*
 * Reading the daemon's answers for people: members by their path, numbers with
 * their units.
 */
#ifndef CACHECTL_SHOW_H
#define CACHECTL_SHOW_H

#include "cachectl/order.h"

#include <stdint.h>

/* The member at "cache.memory_bytes"; NULL: none. Borrowed. */
struct json_object *show_at(struct json_object *object, const char *path);
double show_number(struct json_object *object, const char *path);    /* 0: none */
const char *show_text(struct json_object *object, const char *path); /* "": none. Borrowed */

/* Into room, which is returned: "1.4 MiB", "350 us", "2h 05m", "12.3k". */
const char *show_bytes(char room[32], double bytes);
const char *show_span(char room[32], double seconds);
const char *show_long_span(char room[32], double seconds);
const char *show_count(char room[32], double count);
const char *show_entries_count(char room[32], double count); /* "1 entry", "12 entries" */

/* Hits of all reads, of what lies between two states (before NULL: since the start), in percent; -1: there were none. */
double show_hit_ratio(struct json_object *status, struct json_object *before);

/* Half and 99 % of hits, misses and Redmine's answers since the start, a line each; none for what there was none of. */
void show_latencies(struct json_object *status);

#endif
