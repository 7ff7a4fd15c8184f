/* What may be served and what may be kept: RFC 9111 by its sections, and the daemon's own rules. */
#include "flow/policy.h"

#include "kit.h"

#define NOW_MS   INT64_C(1785578400000) /* Sat, 01 Aug 2026 10:00:00 GMT */
#define NOW_TEXT "Sat, 01 Aug 2026 10:00:00 GMT"

static struct directives directives_of(const char *value)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct directives d;

	if (value)
		ck_assert_int_eq(fields_add(&fields, "Cache-Control", value), 0);
	directives_read(&d, &fields);
	return d;
}

/* An entry that came at NOW_MS with an age of 10 s already and is fresh for 60 s more. Times in seconds after NOW_MS. */
static const struct {
	const char *request;
	bool must_revalidate;
	double at;
	enum policy_verdict verdict;
	double until; /* of FRESH */
} judged[] = {
        {NULL, false, 0, POLICY_FRESH, 60},
        {NULL, false, 59.999, POLICY_FRESH, 60},
        {NULL, false, 60, POLICY_STALE, 0},
        {NULL, false, 1e6, POLICY_STALE, 0},
        /* A clock that was put back: not longer than meant. */
        {NULL, false, -1, POLICY_FRESH, 60},
        {NULL, false, -2.001, POLICY_STALE, 0},
        {NULL, false, -1e6, POLICY_STALE, 0},
        /* 5.2.1.4 */
        {"no-cache", false, 0, POLICY_REFUSED, 0},
        {"no-cache", false, 60, POLICY_STALE, 0},
        {"no-cache, max-stale", false, 30, POLICY_REFUSED, 0},
        /* 5.2.1.1: of the age, which was 10 s when it came */
        {"max-age=0", false, 0, POLICY_REFUSED, 0},
        {"max-age=10", false, 0, POLICY_REFUSED, 0},
        {"max-age=11", false, 0, POLICY_FRESH, 1},
        {"max-age=30", false, 19.999, POLICY_FRESH, 20},
        {"max-age=30", false, 20, POLICY_REFUSED, 0},
        {"max-age=100000", false, 59, POLICY_FRESH, 60},
        {"max-age=99999999999", false, 59, POLICY_FRESH, 60},
        {"max-age=100000", false, 60, POLICY_STALE, 0},
        /* 5.2.1.3: of what is left of the lifetime */
        {"min-fresh=0", false, 59.999, POLICY_FRESH, 60},
        {"min-fresh=20", false, 39.999, POLICY_FRESH, 40},
        {"min-fresh=20", false, 40, POLICY_REFUSED, 0},
        {"min-fresh=60", false, 0, POLICY_REFUSED, 0},
        {"min-fresh=99999999999", false, 0, POLICY_REFUSED, 0},
        {"min-fresh=20, max-age=20", false, 9.999, POLICY_FRESH, 10},
        {"min-fresh=20, max-age=20", false, 10, POLICY_REFUSED, 0},
        /* 5.2.1.2 */
        {"max-stale=5", false, 64.999, POLICY_FRESH, 65},
        {"max-stale=5", false, 65, POLICY_STALE, 0},
        {"max-stale=0", false, 60, POLICY_STALE, 0},
        {"max-stale", false, 1e6, POLICY_FRESH, 60 + 2147483647.0},
        /* ... widens the lifetime, not the age that max-age allows */
        {"max-stale=5, max-age=30", false, 20, POLICY_REFUSED, 0},
        {"max-stale=5, max-age=100", false, 62, POLICY_FRESH, 65},
        {"max-stale=100, max-age=80", false, 69.999, POLICY_FRESH, 70},
        {"max-stale=100, max-age=80", false, 70, POLICY_REFUSED, 0},
        {"max-stale=100, min-fresh=1", false, 59.5, POLICY_REFUSED, 0},
        /* 5.2.2.2: must-revalidate beats max-stale */
        {"max-stale=5", true, 59.999, POLICY_FRESH, 60},
        {"max-stale=5", true, 60, POLICY_STALE, 0},
        {"max-stale", true, 60, POLICY_STALE, 0},
};

START_TEST(judges)
{
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		struct entry entry = {
		        .born_ms = NOW_MS,
		        .age_ms = 10000,
		        .fresh_until_ms = NOW_MS + 60000,
		        .flags = judged[i].must_revalidate ? ENTRY_MUST_REVALIDATE : 0,
		};
		struct directives request = directives_of(judged[i].request);
		int64_t until_ms = -1;
		enum policy_verdict verdict = policy_judge(
		        &entry, &request, NOW_MS + (int64_t)(judged[i].at * 1000), &until_ms);

		ck_assert_msg(verdict == judged[i].verdict, "%s at %g: %d", judged[i].request, judged[i].at, verdict);
		if (verdict == POLICY_FRESH)
			ck_assert_msg(until_ms == NOW_MS + (int64_t)(judged[i].until * 1000), "%s at %g: until %lld",
			        judged[i].request, judged[i].at, (long long)(until_ms - NOW_MS));
	}
}
END_TEST

/* A request at any moment before usable_until gets the same verdict, at that moment another. */
START_TEST(usable_until_is_exact)
{
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		struct entry entry = {.born_ms = NOW_MS,
		        .age_ms = 10000,
		        .fresh_until_ms = NOW_MS + 60000,
		        .flags = judged[i].must_revalidate ? ENTRY_MUST_REVALIDATE : 0};
		struct directives request = directives_of(judged[i].request);
		int64_t until_ms, ignored;

		if (policy_judge(&entry, &request, NOW_MS + (int64_t)(judged[i].at * 1000), &until_ms) != POLICY_FRESH)
			continue;
		ck_assert_int_eq(policy_judge(&entry, &request, until_ms - 1, &ignored), POLICY_FRESH);
		ck_assert_int_ne(policy_judge(&entry, &request, until_ms, &ignored), POLICY_FRESH);
	}
}
END_TEST

struct decided {
	const char *why, *request, *answer;
	unsigned status;
	bool credential, unframed;
	bool keep;
	double lifetime, age; /* seconds */
	bool must_revalidate;
};

#define JSON "Content-Type: application/json; charset=utf-8\r\n"

/* cache.policy = redmine, a resource that is fresh for 30 s. */
static const struct decided by_redmine[] = {
        {"Redmine forbids every cache to keep anything", "",
                JSON "Cache-Control: max-age=0, private, must-revalidate\r\n", 200, true, false, true, 30, 0, false},
        {"an anonymous one", "", JSON, 200, false, false, true, 30, 0, false},
        {"Set-Cookie is dropped, the answer kept", "", JSON "Set-Cookie: _redmine_session=x\r\n", 200, true, false,
                true, 30, 0, false},
        {"no-store is no rule of Redmine's", "", JSON "Cache-Control: no-store\r\n", 200, true, false, false, 0, 0,
                false},
        {"5.2.1.5: the request says no-store", "Cache-Control: no-store\r\n", JSON, 200, true, false, false, 0, 0,
                false},
        {"only 200", "", JSON, 201, true, false, false, 0, 0, false},
        {"203 is not Redmine's", "", JSON, 203, true, false, false, 0, 0, false},
        {"204", "", JSON, 204, true, false, false, 0, 0, false},
        {"206", "", JSON, 206, true, false, false, 0, 0, false},
        {"a redirect to the login", "", JSON "Location: /login\r\n", 302, true, false, false, 0, 0, false},
        {"304 without having asked", "", JSON, 304, true, false, false, 0, 0, false},
        {"401", "", JSON, 401, false, false, false, 0, 0, false},
        {"403", "", JSON, 403, true, false, false, 0, 0, false},
        {"404", "", JSON, 404, true, false, false, 0, 0, false},
        {"500", "", JSON, 500, true, false, false, 0, 0, false},
        {"a maintenance page", "", "Content-Type: text/html\r\n", 200, true, false, false, 0, 0, false},
        {"no type at all", "", "X: y\r\n", 200, true, false, false, 0, 0, false},
        {"JSONP", "", "Content-Type: application/javascript\r\n", 200, true, false, true, 30, 0, false},
        {"may be cut short", "", JSON, 200, true, true, false, 0, 0, false},
        {"Vary on what the key holds", "", JSON "Vary: Accept, accept-language\r\nVary: Authorization,,\r\n", 200, true,
                false, true, 30, 0, false},
        {"Vary on what it does not", "", JSON "Vary: Accept, User-Agent\r\n", 200, true, false, false, 0, 0, false},
        {"4.1: Vary *", "", JSON "Vary: *\r\n", 200, true, false, false, 0, 0, false},
};

#define DATE "Date: " NOW_TEXT "\r\n"

/* cache.policy = origin, and every path that the table does not know: a shared cache. */
static const struct decided by_origin[] = {
        {"3: nothing says how long", "", "", 200, false, false, false, 0, 0, false},
        {"4.2.1: max-age", "", "Cache-Control: max-age=60\r\n", 200, false, false, true, 60, 0, false},
        {"5.2.2.1: max-age=0 without a validator", "", "Cache-Control: max-age=0\r\n", 200, false, false, false, 0, 0,
                false},
        {"... and with one", "", "Cache-Control: max-age=0\r\nETag: \"1\"\r\n", 200, false, false, true, 0, 0, false},
        {"4.2.1: s-maxage beats max-age", "", "Cache-Control: max-age=60, s-maxage=5\r\n", 200, false, false, true, 5,
                0, true},
        {"... also when it is longer", "", "Cache-Control: max-age=5, s-maxage=60\r\n", 200, false, false, true, 60, 0,
                true},
        {"4.2.1: max-age beats Expires", "",
                DATE "Cache-Control: max-age=60\r\nExpires: Sat, 01 Aug 2026 11:00:00 GMT\r\n", 200, false, false, true,
                60, 0, false},
        {"4.2.1: Expires minus Date", "", DATE "Expires: Sat, 01 Aug 2026 10:01:30 GMT\r\n", 200, false, false, true,
                90, 0, false},
        {"... without a Date minus now", "", "Expires: Sat, 01 Aug 2026 10:01:30 GMT\r\n", 200, false, false, true, 90,
                0, false},
        {"5.3: Expires: 0 is past", "", DATE "Expires: 0\r\n", 200, false, false, false, 0, 0, false},
        {"5.3: Expires in the past", "", DATE "Expires: Sat, 01 Aug 2026 09:00:00 GMT\r\nETag: \"1\"\r\n", 200, false,
                false, true, 0, 0, false},
        {"4.2.2: a tenth of its age", "", DATE "Last-Modified: Sat, 01 Aug 2026 09:00:00 GMT\r\n", 200, false, false,
                true, 360, 0, false},
        {"... of a 404, too", "", DATE "Last-Modified: Sat, 01 Aug 2026 09:00:00 GMT\r\n", 404, false, false, true, 360,
                0, false},
        {"... not of a 302 (RFC 9110 15.1)", "", DATE "Last-Modified: Sat, 01 Aug 2026 09:00:00 GMT\r\n", 302, false,
                false, false, 0, 0, false},
        {"... not from the future", "", DATE "Last-Modified: Sat, 01 Aug 2026 11:00:00 GMT\r\n", 200, false, false,
                true, 0, 0, false},
        {"4.2.3: Age counts", "", "Cache-Control: max-age=60\r\nAge: 20\r\n", 200, false, false, true, 40, 20, false},
        {"... beyond the lifetime", "", "Cache-Control: max-age=60\r\nAge: 70\r\nETag: \"1\"\r\n", 200, false, false,
                true, 0, 70, false},
        {"... that is no number", "", "Cache-Control: max-age=60\r\nAge: old\r\n", 200, false, false, true, 60, 0,
                false},
        {"... below zero", "", "Cache-Control: max-age=60\r\nAge: -5\r\n", 200, false, false, true, 60, 0, false},
        {"4.2.3: apparent age", "", "Date: Sat, 01 Aug 2026 09:59:30 GMT\r\nCache-Control: max-age=60\r\n", 200, false,
                false, true, 30, 30, false},
        {"... the larger of both", "",
                "Date: Sat, 01 Aug 2026 09:59:30 GMT\r\nCache-Control: max-age=60\r\nAge: 50\r\n", 200, false, false,
                true, 10, 50, false},
        {"a clock that goes ahead", "", "Date: Sat, 01 Aug 2026 10:05:00 GMT\r\nCache-Control: max-age=60\r\n", 200,
                false, false, true, 60, 0, false},
        {"3: no-store", "", "Cache-Control: max-age=60, no-store\r\n", 200, false, false, false, 0, 0, false},
        {"5.2.1.5: no-store of the request", "Cache-Control: no-store\r\n", "Cache-Control: max-age=60\r\n", 200, false,
                false, false, 0, 0, false},
        {"3: private", "", "Cache-Control: max-age=60, private\r\n", 200, false, false, false, 0, 0, false},
        {"5.2.2.7: private about one field", "", "Cache-Control: max-age=60, private=\"X-A\"\r\n", 200, false, false,
                true, 60, 0, false},
        {"5.2.2.4: no-cache", "", "Cache-Control: max-age=60, no-cache\r\nETag: \"1\"\r\n", 200, false, false, true, 0,
                0, true},
        {"... without a validator is of no use", "", "Cache-Control: max-age=60, no-cache\r\n", 200, false, false,
                false, 0, 0, true},
        {"5.2.2.4: no-cache about one field", "", "Cache-Control: max-age=60, no-cache=\"X-A\"\r\n", 200, false, false,
                true, 60, 0, false},
        {"5.2.2.2: must-revalidate", "", "Cache-Control: max-age=60, must-revalidate\r\n", 200, false, false, true, 60,
                0, true},
        {"5.2.2.8: proxy-revalidate", "", "Cache-Control: max-age=60, proxy-revalidate\r\n", 200, false, false, true,
                60, 0, true},
        {"3.5: a credential came with the request", "", "Cache-Control: max-age=60\r\n", 200, true, false, false, 0, 0,
                false},
        {"... public allows it", "", "Cache-Control: max-age=60, public\r\n", 200, true, false, true, 60, 0, false},
        {"... s-maxage", "", "Cache-Control: s-maxage=60\r\n", 200, true, false, true, 60, 0, true},
        {"... must-revalidate", "", "Cache-Control: max-age=60, must-revalidate\r\n", 200, true, false, true, 60, 0,
                true},
        {"... proxy-revalidate does not", "", "Cache-Control: max-age=60, proxy-revalidate\r\n", 200, true, false,
                false, 0, 0, false},
        {"3: 206 is not put together here", "", "Cache-Control: max-age=60\r\n", 206, false, false, false, 0, 0, false},
        {"3: 304", "", "Cache-Control: max-age=60\r\n", 304, false, false, false, 0, 0, false},
        {"3: an interim one", "", "Cache-Control: max-age=60\r\n", 103, false, false, false, 0, 0, false},
        {"3: any final status with a lifetime", "", "Cache-Control: max-age=60\r\n", 302, false, false, true, 60, 0,
                false},
        {"... an error, too", "", "Cache-Control: max-age=60\r\n", 500, false, false, true, 60, 0, false},
        {"4.1: what varies is kept, as a variant", "", "Cache-Control: max-age=60\r\nVary: Accept\r\n", 200, false,
                false, true, 60, 0, false},
        {"... not on what nobody knows", "", "Cache-Control: max-age=60\r\nVary: Accept, *\r\n", 200, false, false,
                false, 0, 0, false},
        {"3.3: it may be cut short", "", "Cache-Control: max-age=60\r\n", 200, false, true, false, 0, 0, false},
        {"1.2.2: for ever", "", "Cache-Control: max-age=99999999999999999999\r\n", 200, false, false, true,
                2147483647.0, 0, false},
        {"5.4: Pragma of an answer means nothing", "",
                DATE "Pragma: no-cache\r\nExpires: Sat, 01 Aug 2026 11:00:00 GMT\r\n", 200, false, false, true, 3600, 0,
                false},
        {"3: a status that is kept by default, to be validated", "", "ETag: \"1\"\r\n", 200, false, false, true, 0, 0,
                false},
        {"... not one that is not", "", "ETag: \"1\"\r\n", 302, false, false, false, 0, 0, false},
        {"... unless it is public", "",
                DATE "Cache-Control: public\r\nLast-Modified: Sat, 01 Aug 2026 09:00:00 GMT\r\n", 599, false, false,
                true, 360, 0, false},
        {"4.2.2: of a 204, too", "", DATE "Last-Modified: Sat, 01 Aug 2026 09:00:00 GMT\r\n", 204, false, false, true,
                360, 0, false},
        {"4.2.1: Expires of two minds", "",
                DATE "Expires: Sat, 01 Aug 2026 11:00:00 GMT\r\nExpires: Sat, 01 Aug 2026 12:00:00 GMT\r\n", 200, false,
                false, false, 0, 0, false},
        {"... twice the same", "",
                DATE "Expires: Sat, 01 Aug 2026 11:00:00 GMT\r\nExpires: Sat, 01 Aug 2026 11:00:00 GMT\r\n", 200, false,
                false, true, 3600, 0, false},
        {"... in another form", "", DATE "Expires: Saturday, 01-Aug-26 11:00:00 gmt\r\n", 200, false, false, true, 3600,
                0, false},
        {"5.1: the first of a list of ages", "", "Cache-Control: max-age=60\r\nAge: 20, 0\r\n", 200, false, false, true,
                40, 20, false},
        {"... and of lines", "", "Cache-Control: max-age=60\r\nAge: 0\r\nAge: 20\r\n", 200, false, false, true, 60, 0,
                false},
        {"... a number with something behind it is none", "", "Cache-Control: max-age=60\r\nAge: 20.0\r\n", 200, false,
                false, true, 60, 0, false},
        {"5.2.2.3: must-understand beats no-store", "", "Cache-Control: max-age=60, no-store, must-understand\r\n", 200,
                false, false, true, 60, 0, false},
        {"... of a status that is understood", "", "Cache-Control: max-age=60, must-understand\r\n", 599, false, false,
                false, 0, 0, false},
        {"RFC 5861 4: to be served when Redmine is down", "", "Cache-Control: max-age=0, stale-if-error=60\r\n", 200,
                false, false, true, 0, 0, false},
        {"RFC 9213: beats Cache-Control and Expires", "",
                "CDN-Cache-Control: max-age=60\r\nCache-Control: no-store\r\nExpires: 0\r\n", 200, false, false, true,
                60, 0, false},
        {"... to forbid as well", "", "CDN-Cache-Control: no-store\r\nCache-Control: max-age=60\r\n", 200, false, false,
                false, 0, 0, false},
        {"... private", "", "CDN-Cache-Control: private\r\nCache-Control: max-age=60\r\n", 200, false, false, false, 0,
                0, false},
        {"... Expires does not help it", "",
                DATE "CDN-Cache-Control: must-revalidate\r\nExpires: Sat, 01 Aug 2026 11:00:00 GMT\r\n", 200, false,
                false, false, 0, 0, true},
        {"... ignored when it is no dictionary", "", "CDN-Cache-Control: max-age=60, &\r\nCache-Control: max-age=5\r\n",
                200, false, false, true, 5, 0, false},
};

static void assert_decided(
        const struct decided *d, const struct conf *conf, const struct resource *resource, enum target_format format)
{
	CLEANUP(fields_release) struct fields request = FIELDS_INIT;
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct policy_answer answer = {
	        .resource = resource,
	        .format = format,
	        .request = &request,
	        .anonymous = !d->credential,
	        .status = d->status,
	        .fields = &fields,
	        .framed = !d->unframed,
	        .now_ms = NOW_MS,
	};
	struct policy_keep keep;

	ck_assert_int_eq(fields_parse(&request, d->request, strlen(d->request)), 0);
	ck_assert_int_eq(fields_parse(&fields, d->answer, strlen(d->answer)), 0);
	policy_decide(&keep, conf, &answer);
	ck_assert_msg(keep.keep == d->keep, "%s: %s", d->why, keep.keep ? "kept" : "not kept");
	if (!d->keep)
		return;
	ck_assert_msg(keep.share, "%s: kept, but not shared", d->why);
	ck_assert_msg(
	        keep.lifetime_ms == (int64_t)(d->lifetime * 1000), "%s: %lld ms", d->why, (long long)keep.lifetime_ms);
	ck_assert_msg(keep.age_ms == (int64_t)(d->age * 1000), "%s: age %lld ms", d->why, (long long)keep.age_ms);
	ck_assert_msg(keep.must_revalidate == d->must_revalidate, "%s: must_revalidate", d->why);
}

static const struct resource *issues(void)
{
	struct target target;

	ck_assert_int_eq(target_parse(&target, "/issues.json"), 0);
	return resource_match(&target, false);
}

START_TEST(decides_for_redmine)
{
	struct conf *conf = kit_conf(NULL);

	ck_assert_ptr_eq(policy_resource(conf, issues()), issues());
	ck_assert_ptr_null(policy_resource(conf, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(by_redmine); i++)
		assert_decided(&by_redmine[i], conf, issues(), TARGET_FORMAT_JSON);
	conf_unref(conf);
}
END_TEST

START_TEST(decides_by_rfc_9111)
{
	static const char *const settings[] = {"cache.policy=origin", NULL};
	struct conf *conf = kit_conf(settings), *redmine = kit_conf(NULL);

	ck_assert_ptr_null(policy_resource(conf, issues()));
	for (size_t i = 0; i < ARRAY_SIZE(by_origin); i++) {
		assert_decided(&by_origin[i], conf, NULL, TARGET_FORMAT_JSON);
		assert_decided(
		        &by_origin[i], redmine, NULL, TARGET_FORMAT_NONE); /* a path that the table does not know */
	}
	conf_unref(conf);
	conf_unref(redmine);
}
END_TEST

/* RFC 9111 section 7.3: a cookie does not forbid to keep; under the redmine policy it does. */
START_TEST(cookies_by_policy)
{
	static const char *const settings[] = {"cache.policy=origin", NULL};
	static const char fields[] = "Cache-Control: max-age=60\r\nSet-Cookie: a=1\r\n";
	static const struct decided kept = {"origin", "", fields, 200, false, false, true, 60, 0, false};
	static const struct decided not_kept = {"redmine", "", fields, 200, false, false, false, 0, 0, false};
	struct conf *conf = kit_conf(settings), *redmine = kit_conf(NULL);

	assert_decided(&kept, conf, NULL, TARGET_FORMAT_NONE);
	assert_decided(&not_kept, redmine, NULL, TARGET_FORMAT_NONE);
	conf_unref(conf);
	conf_unref(redmine);
}
END_TEST

START_TEST(response_delay_counts)
{
	CLEANUP(fields_release) struct fields request = FIELDS_INIT;
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct policy_answer answer = {.request = &request,
	        .anonymous = true,
	        .status = 200,
	        .fields = &fields,
	        .framed = true,
	        .now_ms = NOW_MS,
	        .delay_ms = 7000};
	struct conf *conf = kit_conf(NULL);
	struct policy_keep keep;

	ck_assert_int_eq(fields_add(&fields, "Cache-Control", "max-age=60"), 0);
	ck_assert_int_eq(fields_add(&fields, "Age", "10"), 0);
	policy_decide(&keep, conf, &answer);
	ck_assert_int_eq(keep.age_ms, 17000);
	ck_assert_int_eq(keep.lifetime_ms, 43000);
	conf_unref(conf);
}
END_TEST

START_TEST(lifetimes_are_settings)
{
	static const char *const longer[] = {"lifetime.issues=5m", NULL};
	static const char *const never[] = {"lifetime.issues=0", NULL};
	static const struct decided kept = {"set", "", JSON, 200, true, false, true, 300, 0, false};
	static const struct decided not_kept = {"set to 0", "", JSON, 200, true, false, false, 0, 0, false};
	struct conf *conf = kit_conf(longer);

	assert_decided(&kept, conf, issues(), TARGET_FORMAT_JSON);
	conf_unref(conf);
	conf = kit_conf(never);
	assert_decided(&not_kept, conf, issues(), TARGET_FORMAT_JSON);
	conf_unref(conf);
}
END_TEST

START_TEST(types_fit_the_format)
{
	static const struct {
		enum target_format format;
		const char *type;
		bool keep;
	} types[] = {
	        {TARGET_FORMAT_JSON, "application/json", true},
	        {TARGET_FORMAT_JSON, "Application/JSON", true},
	        {TARGET_FORMAT_JSON, "application/xml", false},
	        {TARGET_FORMAT_JSON, "", false},
	        {TARGET_FORMAT_XML, "application/xml; charset=utf-8", true},
	        {TARGET_FORMAT_XML, "application/json", false},
	        {TARGET_FORMAT_XML, "text/html", false},
	        {TARGET_FORMAT_ATOM, "application/atom+xml; charset=utf-8", true},
	        {TARGET_FORMAT_ATOM, "text/html", false},
	        {TARGET_FORMAT_NONE, "image/png", true},
	};
	struct conf *conf = kit_conf(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct decided d = {
		        .why = types[i].type, .request = "", .status = 200, .keep = types[i].keep, .lifetime = 30};
		char field[100];

		snprintf(field, sizeof(field), "Content-Type: %s\r\n", types[i].type);
		d.answer = field;
		assert_decided(&d, conf, issues(), types[i].format);
	}
	conf_unref(conf);
}
END_TEST

static bool shares(const struct conf *conf, const struct resource *resource, enum target_format format, unsigned status,
        const char *fields_text)
{
	CLEANUP(fields_release) struct fields request = FIELDS_INIT;
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;
	struct policy_answer answer = {.resource = resource,
	        .format = format,
	        .request = &request,
	        .anonymous = true,
	        .status = status,
	        .fields = &fields,
	        .framed = true,
	        .now_ms = NOW_MS};
	struct policy_keep keep;

	ck_assert_int_eq(fields_parse(&fields, fields_text, strlen(fields_text)), 0);
	policy_decide(&keep, conf, &answer);
	return keep.share;
}

/* Those who wait for the same answer may have it although it is not kept, where nothing but the key decides about it. */
START_TEST(shares_errors_of_the_api)
{
	static const char *const settings[] = {"cache.policy=origin", NULL};
	struct conf *redmine = kit_conf(NULL), *origin = kit_conf(settings);

	ck_assert(shares(redmine, issues(), TARGET_FORMAT_JSON, 403, ""));
	ck_assert(shares(redmine, issues(), TARGET_FORMAT_JSON, 500, ""));
	ck_assert(!shares(redmine, issues(), TARGET_FORMAT_JSON, 200, "Vary: Accept, *\r\n"));
	ck_assert(shares(redmine, NULL, TARGET_FORMAT_JSON, 404, ""));
	ck_assert(!shares(redmine, NULL, TARGET_FORMAT_JSON, 404, "Vary: *\r\n"));
	ck_assert(!shares(redmine, NULL, TARGET_FORMAT_JSON, 200, "Cache-Control: no-store\r\n"));
	ck_assert(!shares(redmine, NULL, TARGET_FORMAT_NONE, 200, ""));
	ck_assert(!shares(redmine, NULL, TARGET_FORMAT_ATOM, 200, ""));
	ck_assert(!shares(origin, NULL, TARGET_FORMAT_JSON, 404, ""));
	ck_assert(shares(origin, NULL, TARGET_FORMAT_JSON, 404, "Cache-Control: max-age=5\r\n"));
	conf_unref(redmine);
	conf_unref(origin);
}
END_TEST

UNIT_MAIN("policy", judges, usable_until_is_exact, decides_for_redmine, decides_by_rfc_9111, cookies_by_policy,
        response_delay_counts, lifetimes_are_settings, types_fit_the_format, shares_errors_of_the_api)
