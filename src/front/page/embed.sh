# shellcheck shell=sh
# Writes the C file that holds the page /-/status, styles and scripts inside of it, and the policy that allows just these.
# usage: sh embed.sh FOLDER_OF_THE_PAGE FOLDER_OF_UPLOT
set -eu
page=$1
uplot=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat "$uplot/uPlot.min.css" "$page/status.css" >"$work/style"
cat "$uplot/uPlot.iife.min.js" "$page/status.js" >"$work/script"

# As Content-Security-Policy names what is allowed.
digest() { sha256sum <"$1" | cut -c1-64 | tr a-f A-F | basenc --base16 -d | base64; }

while IFS= read -r line; do
	case $line in
	@STYLE@) printf '<style>' && cat "$work/style" && printf '</style>\n' ;;
	@SCRIPT@) printf '<script>' && cat "$work/script" && printf '</script>\n' ;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$page/status.html" >"$work/html"

cat <<END
/* Made by embed.sh. */
#include "front/status_page.h"

const char status_page_policy[] =
	"default-src 'none'; script-src 'sha256-$(digest "$work/script")'; "
	"style-src 'sha256-$(digest "$work/style")'; connect-src 'self'; img-src data:; "
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const unsigned char status_page[] = {
$(od -An -v -tu1 "$work/html" | sed 's/ *\([0-9][0-9]*\)/\1,/g')
};
const size_t status_page_size = sizeof(status_page);
END
