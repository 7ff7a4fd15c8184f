/*
 * What plan.c, which says what is asked, and plan_take.c, which takes what came,
 * share. Inside the room only.
 */
#ifndef COLLECT_PLAN_INSIDE_H
#define COLLECT_PLAN_INSIDE_H

#include "collect/plan.h"

/* A page that is in no list yet, owned by the caller; fresh: a stored answer will not do. NULL: out of memory. */
struct plan_page *plan_page_new(const struct plan *plan, int64_t offset, bool fresh);
/* Drops the pages that are asked no more; those that are under way stay. */
void plan_drop_pages(struct plan *plan);
/* Rows of a page that are behind those of the page before. Pure. */
int64_t plan_stride(const struct plan *plan);

#endif
