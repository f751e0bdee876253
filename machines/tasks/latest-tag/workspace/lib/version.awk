# Versions: MAJOR.MINOR.PATCH, and behind a dash what makes them pre-releases.

function core(version) {
  sub(/-.*/, "", version)
  return version
}

function pre_of(version) {
  return index(version, "-") ? substr(version, index(version, "-") + 1) : ""
}

# compare(a, b): below 0, 0 or above 0, as a is below, equal to or above b
function compare(a, b) {
  if (core(a) != core(b)) return core(a) < core(b) ? -1 : 1
  return compare_pre(pre_of(a), pre_of(b))
}

function compare_pre(a, b) {
  if (a == b) return 0
  return a < b ? -1 : 1
}
