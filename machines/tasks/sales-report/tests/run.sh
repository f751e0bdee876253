#!/bin/sh
# Hidden tests of the sales report: each compares report.sh with what the README promises. Exit code 0 = all hold.

failed=0
report=./report.sh
expected=$TESTS/expected
actual=$TESTS/actual
input=$TESTS/input.csv

check() {
  cat >"$expected"
  sh "$report" "$input" >"$actual" 2>&1
  if cmp -s "$expected" "$actual"; then
    echo "ok      $1"
  else
    echo "FAILED  $1"
    failed=1
  fi
}

printf 'date,region,amount\n2025-06-01,east,0.10\n2025-06-02,east,0.20\n2025-06-03,north,7\n' >"$input"
check 'cents are kept' <<'END'
north 7.00
east 0.30
END

printf 'date,region,amount\r\n2025-06-01,east,10.50\r\n2025-06-02,east,1.50\r\n' >"$input"
check 'Windows line ends do not matter' <<'END'
east 12.00
END

printf 'date,region,amount\n\n2025-06-01,east,3.00\n\r\n2025-06-02,west,4.00\n\n' >"$input"
check 'empty lines mean nothing' <<'END'
west 4.00
east 3.00
END

printf 'date,region,amount\n2025-06-01,zulu,5.00\n2025-06-02,alfa,5.00\n2025-06-03,mike,50.00\n' >"$input"
check 'equal totals are in alphabetical order' <<'END'
mike 50.00
alfa 5.00
zulu 5.00
END

exit $failed
