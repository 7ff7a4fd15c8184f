/*
 * The state of the daemon as one JSON object, for /-/status.json, the page
 * that shows it, and redmine-cachectl.
 */
#ifndef FRONT_STATUS_H
#define FRONT_STATUS_H

#include "front/loop.h"

struct json_object;
struct record;

/* Everything; the caller's to put. conf: the settings in force. NULL: out of memory. Any thread; takes no lock for longer than a moment. */
struct json_object *status_print(struct front *front, const struct conf *conf);

/* The engines alone, an array; the caller's to put. Any thread. */
struct json_object *status_print_engines(const struct engines *engines);

/*
 * One request of front/records.h; the caller's to put. whole: also what is not every client's business: who asked, and for which
 * path. Any thread.
 */
struct json_object *status_print_record(const struct record *record, bool whole);

/* A member of an object; text NULL: null. Any thread. */
void status_add_count(struct json_object *object, const char *name, uint64_t count);
void status_add_text(struct json_object *object, const char *name, const char *text);

#endif
