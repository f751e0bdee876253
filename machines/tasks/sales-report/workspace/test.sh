#!/bin/sh
# Runs report.sh over the sample and compares.

cat >expected.txt <<'END'
north 100.80
west 75.00
south 60.25
END

sh report.sh data/may.csv >actual.txt
if cmp -s expected.txt actual.txt; then
  echo "ok"
else
  echo "FAILED: expected"
  cat expected.txt
  echo "but got"
  cat actual.txt
  exit 1
fi
