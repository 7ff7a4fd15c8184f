/*
 * Targeted cache control (RFC 9213): a field of an answer that speaks to one
 * class of caches and replaces Cache-Control and Expires for them. Its value
 * is a dictionary of structured fields (RFC 9651).
 */
#ifndef FLOW_TARGETED_H
#define FLOW_TARGETED_H

#include "flow/directives.h"

/*
 * Reads the fields of that name. False, and *ret untouched: there is none, or it is empty, or no dictionary
 * throughout (RFC 9213 2.1: it is then ignored). Values of another type than a directive has are left out. *ret borrows from
 * the fields. Pure.
 */
bool targeted_read(struct directives *ret, const struct fields *fields, const char *name);

#endif
