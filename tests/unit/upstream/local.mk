# What tests of several rooms stand on: an origin, jobs that ask, waits with a limit.
tests_support = \
	tests/unit/support/ask.c tests/unit/support/ask.h \
	tests/unit/support/origin.c tests/unit/support/origin.h \
	tests/unit/support/usage.c tests/unit/support/usage.h \
	tests/unit/support/wait.c tests/unit/support/wait.h
