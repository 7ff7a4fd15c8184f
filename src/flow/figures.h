/*
 * What became of requests, counted: struct flow_figures of flow/flow.h.
 */
#ifndef FLOW_FIGURES_H
#define FLOW_FIGURES_H

struct request;

/* A request that has its answer, once; the daemon's own requests are counted apart. Any thread. */
void flow_figures_count(struct request *r);

#endif
