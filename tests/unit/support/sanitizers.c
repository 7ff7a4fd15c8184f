/* What ThreadSanitizer is wrong about, and why. */

/* ThreadSanitizer's name for it: looked up by the sanitizer, never called otherwise. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	/*
	 * libcurl 7.88 closes a socket that is still connecting before it says so (lib/cf-socket.c, "we did never publish
	 * it"). The number may be another thread's by the time epoll is told to forget it; epoll, which does not know
	 * that one, answers ENOENT.
	 */
	return "race:^on_socket$\n";
}
