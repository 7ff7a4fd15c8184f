/*
 * A set of row names: numbers that mostly stand close to each other, as ids
 * do. Sixty-four neighbours share one place: a list of 200,000 dense ids takes
 * about 100 KB.
 */
#ifndef COLLECT_NAMES_H
#define COLLECT_NAMES_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

struct names_place {
	uint64_t word; /* name / 64 */
	uint64_t bits; /* 0: the place is free */
};

/* Zero-initialised is empty and valid. */
struct names {
	struct names_place *places;
	size_t room, used; /* room: a power of two or 0 */
	size_t count;      /* names */
};

/* Frees all; empty and usable again. */
void names_release(struct names *names);
/* 1: added; 0: it was there; -ENOMEM. */
int names_add(struct names *names, uint64_t name) MUST_CHECK;
/* True when it is there. Pure. */
bool names_has(const struct names *names, uint64_t name);

#endif
