#!/bin/sh
# Totals per region, the largest first: report.sh FILE

awk -F, '
  NR > 1 { total[$2] += int($3) }
  END { for (region in total) printf "%s %d\n", region, total[region] }
' "$1" | sort -k2,2nr -k1,1
