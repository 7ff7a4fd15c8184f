/*
 * The rows of a JSON list, found byte by byte: what redmine/splice.h is held against.
 */
#ifndef SPLICE_MODEL_H
#define SPLICE_MODEL_H

#include <stdbool.h>
#include <stddef.h>

/* The row of that index in {"x":[{...},...],...}: its place and size. False: there are fewer. The text is valid JSON. */
bool model_row(const char *text, size_t size, size_t index, size_t *ret_at, size_t *ret_size);

#endif
