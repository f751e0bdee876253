#!/bin/sh
# Runs bin/latest over the tags of test/tags and compares.

cd "$(dirname "$0")/.." || exit 1
failed=0

check() {
  actual=$(sh bin/latest $2 <test/tags)
  if [ "$actual" = "$1" ]; then
    echo "ok      latest $2"
  else
    echo "FAILED  latest $2: expected $1 but got $actual"
    failed=1
  fi
}

check 1.10.0 ''
check 1.11.0-rc.1 --pre

exit $failed
