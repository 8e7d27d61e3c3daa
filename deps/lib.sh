# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the scripts in deps/: the cache, messages, one writer at a time.

cache=${SALLYPORT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sallyport}
mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || {
	echo "sallyport: the cache $cache cannot be written. Set SALLYPORT_CACHE to a directory of yours." >&2
	exit 1
}
cache=$(cd "$cache" && pwd)

# results go to stdout, everything for people to stderr
say() {
	echo "deps: $*" >&2
}

die() {
	printf '\nsallyport: %s\n' "$*" | fold -s -w 100 >&2
	exit 1
}

# held until the script ends
lock() {
	exec 9> "$cache/$1.lock"
	flock -n 9 || {
		say "waiting for another build that is using $cache"
		flock 9
	}
}
