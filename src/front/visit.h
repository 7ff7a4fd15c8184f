/*
 * One request of one connection, from its line to the end of its answer, as
 * libmicrohttpd's callbacks tell it.
 */
#ifndef FRONT_VISIT_H
#define FRONT_VISIT_H

#include "front/loop.h"

/* libmicrohttpd's callbacks; the argument is the struct loop_daemon. */
void *visit_begin(void *arg, const char *target, struct MHD_Connection *connection);
enum MHD_Result visit_handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
        const char *version, const char *data, size_t *size, void **state);
void visit_end(void *arg, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why);

#endif
