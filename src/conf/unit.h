/*
 * Numbers with a unit: spans of time and sizes. Reading them is in conf.h.
 */
#ifndef CONF_UNIT_H
#define CONF_UNIT_H

#include "base/buf.h"

/* Appends as conf_parse_span and conf_parse_size read it, in the largest unit that divides it. 0, -ENOMEM, -ENOBUFS. */
int span_print(int64_t ms, struct buf *out) MUST_CHECK;
int size_print(uint64_t bytes, struct buf *out) MUST_CHECK;

/* Reads a number without a unit, digits only. 0, -EINVAL, -ERANGE (above INT_MAX). */
int number_read(const char *text, int *ret) MUST_CHECK;

#endif
