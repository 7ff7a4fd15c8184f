libdaemon_a_SOURCES +=
