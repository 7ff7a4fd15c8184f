#include "arguments.h"

#include <errno.h>
#include <getopt.h>

const char arguments_help[] =
        "Usage: redmine-cached [--config FILE] [-o SECTION.NAME=VALUE]...\n"
        "\n"
        "A caching local proxy in front of Redmine's REST API. Runs in the foreground.\n"
        "\n"
        "  -c, --config FILE            read the settings from FILE and FILE's folder's conf.d/*.conf\n"
        "  -o, --option SECTION.NAME=VALUE\n"
        "                               override one setting; may be repeated\n"
        "      --check-config           check the settings, print what is wrong, exit\n"
        "      --print-config           print the settings in force, exit\n"
        "      --print-sample-config    print every setting with its help and default, exit\n"
        "      --version                print the version, exit\n"
        "  -h, --help                   print this, exit\n"
        "\n"
        "Without any file, -o upstream.url=https://redmine.example.org is enough to run.\n"
        "See redmine-cached(8) and redmine-cached.conf(5).\n";

enum { LONG_CHECK = 256, LONG_PRINT, LONG_SAMPLE, LONG_MANUAL, LONG_VERSION };

static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"option", required_argument, NULL, 'o'},
        {"check-config", no_argument, NULL, LONG_CHECK},
        {"print-config", no_argument, NULL, LONG_PRINT},
        {"print-sample-config", no_argument, NULL, LONG_SAMPLE},
        {"print-manual", no_argument, NULL, LONG_MANUAL},
        {"version", no_argument, NULL, LONG_VERSION},
        {"help", no_argument, NULL, 'h'},
        {0},
};

static int add_override(struct arguments *ret, const char *text, struct fail *fail)
{
	if (ret->override_count == OVERRIDES_MAX)
		return fail_set(fail, -EINVAL, "more than %d times -o", OVERRIDES_MAX);
	ret->overrides[ret->override_count++] = text;
	return 0;
}

int arguments_parse(struct arguments *ret, int argc, char **argv, struct fail *fail)
{
	int letter, r = 0;

	*ret = (struct arguments){0};
	opterr = 0;
	while (r == 0 && (letter = getopt_long(argc, argv, ":c:o:h", options, NULL)) != -1) {
		switch (letter) {
		case 'c':
			ret->config = optarg;
			break;
		case 'o':
			r = add_override(ret, optarg, fail);
			break;
		case LONG_CHECK:
			ret->action = ACTION_CHECK_CONFIG;
			break;
		case LONG_PRINT:
			ret->action = ACTION_PRINT_CONFIG;
			break;
		case LONG_SAMPLE:
			ret->action = ACTION_PRINT_SAMPLE;
			break;
		case LONG_MANUAL:
			ret->action = ACTION_PRINT_MANUAL;
			break;
		case LONG_VERSION:
			ret->action = ACTION_PRINT_VERSION;
			break;
		case 'h':
			ret->action = ACTION_PRINT_HELP;
			break;
		case ':':
			r = fail_set(fail, -EINVAL, "%s needs a value", argv[optind - 1]);
			break;
		default:
			r = fail_set(fail, -EINVAL, "%s is no option; --help lists them", argv[optind - 1]);
		}
	}
	if (r == 0 && optind < argc)
		r = fail_set(fail, -EINVAL, "%s: no argument is expected; --help lists the options", argv[optind]);
	return r;
}
