#!/bin/sh
# Hidden tests of bin/latest: each compares it with what the README promises. Exit code 0 = all hold.

failed=0

# check NAME EXPECTED [--pre] <tags
check() {
  actual=$(sh bin/latest $3)
  if [ "$actual" = "$2" ]; then
    echo "ok      $1"
  else
    echo "FAILED  $1: expected '$2' but got '$actual'"
    failed=1
  fi
}

# above HIGHER LOWER: in both orders
above() {
  printf '%s\n%s\n' "$1" "$2" | check "$1 is above $2" "$1" --pre
  printf '%s\n%s\n' "$2" "$1" | check "$2 is below $1" "$1" --pre
}

above 1.10.0 1.9.0
above 10.0.0 9.99.99
above 1.2.10 1.2.9
above 2.0.0 2.0.0-rc.1
above 2.0.0-rc.1 1.99.99
above 1.0.0-alpha.1 1.0.0-alpha
above 1.0.0-alpha.beta 1.0.0-alpha.1
above 1.0.0-beta 1.0.0-alpha.beta
above 1.0.0-beta.11 1.0.0-beta.2
above 1.0.0-rc 1.0.0-beta.11
above 1.0.0-rc.1 1.0.0-rc
above 1.0.0-alpha.b 1.0.0-alpha.a.c

printf 'v1.0.0\nv2.0.0-rc.1\n' | check 'pre-releases do not count unasked' 1.0.0
printf 'nightly\nv1\n1.2\nv1.2.3\nv1.2.3.4\n' | check 'other tags are ignored' 1.2.3

if printf 'nightly\n' | sh bin/latest; then
  echo 'FAILED  no tag that fits: expected exit code 1'
  failed=1
fi

exit $failed
