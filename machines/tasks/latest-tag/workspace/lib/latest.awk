{ sub(/^v/, "") }

/^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$/ {
  if (!pre && pre_of($0) != "") next
  if (best == "" || compare($0, best) > 0) best = $0
}

END {
  if (best == "") exit 1
  print best
}
