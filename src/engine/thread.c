/* The thread engine: N threads, each with kept-alive connections of its own. */
#include "engine/base.h"

const struct engine_ops engine_thread = {
        .abi = ENGINE_ABI,
        .name = "thread",
        .workers_max = 1024,
        .create_session = base_create_session,
        .process_bulk_request = pool_process_bulk_request,
        .start = pool_start,
        .stop = pool_stop,
        .release = pool_release,
};
