/* The sync engine: one request after the other, in the order they came. */
#include "engine/base.h"

const struct engine_ops engine_sync = {
        .abi = ENGINE_ABI,
        .name = "sync",
        .workers_max = 1,
        .create_session = base_create_session,
        .process_bulk_request = pool_process_bulk_request,
        .start = pool_start,
        .stop = pool_stop,
        .release = pool_release,
};
