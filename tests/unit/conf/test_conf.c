#include "conf_text.h"

#include <pthread.h>

/* The second text instead of the first: what it wants and cannot have before a restart. */
static void assert_restart(const char *old_text, const char *new_text, size_t count, const char *expected)
{
	CLEANUP(conf_unrefp) struct conf *old = conf_of(old_text, NULL);
	CLEANUP(conf_unrefp) struct conf *new = conf_of(new_text, NULL);
	char text[256];

	ck_assert_uint_eq(conf_needs_restart(old, new, text, sizeof(text)), count);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_eq(conf_needs_restart(old, new, text, sizeof(text)), 0); /* new has them as they were */
}

START_TEST(what_needs_a_restart)
{
	assert_restart(URL, URL, 0, "");
	assert_restart(URL "[listen]\nheader_limit = 8192\n", URL "[listen]\nheader_limit = 8K\n", 0, "");
	assert_restart(URL "[log]\nlevel = warn\n[lifetime]\nissues = 1s\n", URL "timeout = 5s\n", 0, "");
	assert_restart(URL, "[upstream]\nurl = http://b\n[cache]\npath =\n", 2, "upstream.url, cache.path");
	assert_restart(URL "[listen]\naddress = [::1]:1\naddress = [::1]:2\n",
	        URL "[listen]\naddress = [::1]:2\naddress = [::1]:1\n", 1, "listen.address");
}
END_TEST

START_TEST(a_reload_keeps_what_is_in_force)
{
	CLEANUP(conf_unrefp)
	struct conf *old = conf_of(URL
	        "[listen]\nthreads = 3\naddress = [::1]:1\n[cache]\npath =\n[engine \"thread\"]\nworkers = 2\n",
	        NULL);
	CLEANUP(conf_unrefp)
	struct conf *new = conf_of("[upstream]\nurl = http://b\ntimeout = 7s\n[log]\nlevel = error\n"
	                           "[engine]\ndefault = sync\n",
	        NULL);
	char text[256];

	ck_assert_uint_eq(conf_needs_restart(old, new, text, sizeof(text)), 6);
	ck_assert_str_eq(text,
	        "upstream.url, listen.address, listen.threads, engine.default, cache.path, engine.thread.workers");
	ck_assert_str_eq(new->upstream.url, "http://redmine.example.org");
	ck_assert_int_eq(new->listen.threads, 3);
	ck_assert_uint_eq(new->listen.address.count, 1);
	ck_assert_str_eq(new->listen.address.items[0], "[::1]:1");
	ck_assert_str_eq(new->engine.default_name, "thread");
	ck_assert_int_eq(conf_engine(new, "thread")->workers, 2);
	ck_assert_str_eq(new->cache.path, "");
	ck_assert_int_eq(new->upstream.timeout_ms, 7000); /* these are in force at once */
	ck_assert_int_eq(new->log.level, LOG_LEVEL_ERROR);
	ck_assert_str_eq(old->upstream.url, "http://redmine.example.org");
}
END_TEST

START_TEST(which_engine_needs_a_restart)
{
	assert_restart(URL "[engine \"thread\"]\nworkers = 2\n", URL "[engine \"thread\"]\nworkers = 3\nqueue = 5\n", 2,
	        "engine.thread.workers, engine.thread.queue");
	assert_restart(URL "[engine \"sync\"]\nqueue = 5\n", URL, 1, "engine.sync.queue");
	assert_restart(URL, URL "[engine \"sync\"]\nqueue = 5\n", 1, "engine.sync.queue");
	assert_restart(URL, URL "[engine \"sync\"]\n", 0, "");
	assert_restart(URL, URL "[engine]\ndefault = sync\n", 1, "engine.default");
}
END_TEST

START_TEST(names_are_cut_to_the_room)
{
	static const char changed[] = "[upstream]\nurl = http://b\n[listen]\nthreads = 2\nheader_limit = 8K\n";
	CLEANUP(conf_unrefp) struct conf *old = conf_of(URL, NULL);
	CLEANUP(conf_unrefp) struct conf *new = conf_of(changed, NULL);
	CLEANUP(conf_unrefp) struct conf *other = conf_of(changed, NULL);
	char text[16], one[1];

	ck_assert_uint_eq(conf_needs_restart(old, new, text, sizeof(text)), 3);
	ck_assert_str_eq(text, "upstream.url, l");
	ck_assert_uint_eq(conf_needs_restart(old, other, one, sizeof(one)), 3);
	ck_assert_str_eq(one, "");
}
END_TEST

START_TEST(lifetimes)
{
	CLEANUP(conf_unrefp) struct conf *conf = conf_of(URL "[lifetime]\nissues = 5m\nprojects = 0\n", NULL);

	ck_assert_int_eq(conf_lifetime_ms(conf, "issues", 7), 300000);
	ck_assert_int_eq(conf_lifetime_ms(conf, "projects", 7), 0);
	ck_assert_int_eq(conf_lifetime_ms(conf, "users", 7), 7);
}
END_TEST

static void *take_and_leave(void *conf)
{
	for (int i = 0; i < 10000; i++)
		conf_unref(conf_ref(conf));
	return NULL;
}

START_TEST(references)
{
	struct conf *conf = conf_of(URL, NULL);
	pthread_t threads[4];

	ck_assert_ptr_eq(conf_ref(conf), conf);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_leave, conf), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	conf_unref(conf);
	ck_assert_uint_eq(atomic_load(&conf->refs), 1);
	ck_assert_str_eq(conf->upstream.url, "http://redmine.example.org");
	conf_unref(conf);
	conf_unref(NULL);
}
END_TEST

UNIT_MAIN("conf", what_needs_a_restart, a_reload_keeps_what_is_in_force, which_engine_needs_a_restart,
        names_are_cut_to_the_room, lifetimes, references)
