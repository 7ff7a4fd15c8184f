#include "front/metrics_text.h"

#include "../unit.h"

#include <string.h>

static const struct histogram_scale scale = {.count = 2, .bounds = {250, 1000}, .per_second = 1000};

/* The same families in one of the formats. */
static void print(bool open_metrics, struct buf *out)
{
	struct metrics_text text = {.out = out, .open_metrics = open_metrics};
	struct histogram_sum sum = {.counts = {2, 1, 1}, .count = 4, .sum = 3500};

	metrics_family(&text, "x_requests", METRIC_COUNTER, "Requests.");
	metrics_sample(&text, "", 3);
	metrics_sample(&text, "a=\"b\"", 0.5);
	metrics_family(&text, "x_size_bytes", METRIC_GAUGE, "Size.");
	metrics_sample(&text, "", 12345678901.0);
	metrics_family(&text, "x_time_seconds", METRIC_HISTOGRAM, "Time.");
	metrics_histogram(&text, "c=\"d\"", &scale, &sum);
	ck_assert_int_eq(metrics_end(&text), 0);
}

START_TEST(prometheus)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(4096);

	print(false, &out);
	ck_assert_str_eq(buf_text(&out), "# HELP x_requests_total Requests.\n# TYPE x_requests_total counter\n"
	                                 "x_requests_total 3\nx_requests_total{a=\"b\"} 0.5\n"
	                                 "# HELP x_size_bytes Size.\n# TYPE x_size_bytes gauge\n"
	                                 "x_size_bytes 12345678901\n"
	                                 "# HELP x_time_seconds Time.\n# TYPE x_time_seconds histogram\n"
	                                 "x_time_seconds_bucket{c=\"d\",le=\"0.25\"} 2\n"
	                                 "x_time_seconds_bucket{c=\"d\",le=\"1.0\"} 3\n"
	                                 "x_time_seconds_bucket{c=\"d\",le=\"+Inf\"} 4\n"
	                                 "x_time_seconds_sum{c=\"d\"} 3.5\nx_time_seconds_count{c=\"d\"} 4\n");
}
END_TEST

START_TEST(open_metrics)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(4096);
	const char *text;

	print(true, &out);
	text = buf_text(&out);
	ck_assert_ptr_nonnull(strstr(text, "# TYPE x_requests counter\nx_requests_total 3\n"));
	ck_assert_ptr_nonnull(strstr(text, "# TYPE x_size_bytes gauge\n# UNIT x_size_bytes bytes\n"));
	ck_assert_ptr_nonnull(strstr(text, "# UNIT x_time_seconds seconds\n"));
	ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
}
END_TEST

START_TEST(which_is_wanted)
{
	static const char *const open[] = {"application/openmetrics-text", "Application/OpenMetrics-Text;version=1.0.0",
	        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
	        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	        "text/plain;q=0.5 , application/openmetrics-text; q=0.6"};
	static const char *const plain[] = {"", "*/*", "text/plain", "application/openmetrics-textual",
	        "application/openmetrics-text;q=0", "application/openmetrics-text;q=0.2,text/plain;q=0.9",
	        "text/html,application/xhtml+xml"};

	ck_assert(!metrics_wants_open(NULL));
	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		ck_assert_msg(metrics_wants_open(open[i]), "%s", open[i]);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		ck_assert_msg(!metrics_wants_open(plain[i]), "%s", plain[i]);
}
END_TEST

START_TEST(labels_are_escaped)
{
	char room[32], small[12];

	ck_assert_str_eq(metrics_label(room, sizeof(room), "n", "a\"b\\c\nd"), "n=\"a\\\"b\\\\c\\nd\"");
	ck_assert_str_eq(metrics_label(small, sizeof(small), "n", "abcdefghijkl"), "n=\"abcde\"");
}
END_TEST

START_TEST(no_memory_is_told_once)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(10);
	struct metrics_text text = {.out = &out};

	metrics_family(&text, "x_requests", METRIC_COUNTER, "Requests.");
	metrics_sample(&text, "", 3);
	ck_assert_int_eq(metrics_end(&text), -105 /* ENOBUFS */);
}
END_TEST

UNIT_MAIN("metrics_text", prometheus, open_metrics, which_is_wanted, labels_are_escaped, no_memory_is_told_once)
