#!/usr/bin/env bash
# Installs, starts, stops and tries the real components that the tests run against, on a bare Debian machine: root, no service manager.
#
#   . test/components/services.sh                 then: install_docker && start_docker; ...; stop_docker
#   test/components/services.sh start_docker      one function; prints RUN_DIR, which the one that stops it must be given
#   test/components/services.sh all               install, start, try and stop each component, one line for each
#
# Everything lives below RUN_DIR (default: a new temporary directory). Keep that path short: sockets below it may have 107 characters.
# Every function may be called twice. Only processes that were started here are ever signalled.

[ -n "${RUN_DIR:-}" ] || RUN_DIR=$(mktemp -d /tmp/fm.XXXXXX)
mkdir -p "$RUN_DIR/bin"
RUN_DIR=$(cd "$RUN_DIR" && pwd -P)
export RUN_DIR

# Of this RUN_DIR alone, so that two test runs on one machine do not take each other's network down.
svc_number=$(($(printf '%s' "$RUN_DIR" | cksum | cut -d ' ' -f 1) % 250))
: "${DOCKER_BRIDGE_NAME:=fmbr$svc_number}"
: "${DOCKER_BRIDGE_CIDR:=10.213.$svc_number.1/24}"
: "${CONSUL_PORT:=$((18000 + 4 * svc_number))}"   # and the two after it
: "${MOTO_PORT:=$((14000 + svc_number))}"

# ---------------------------------------------------------------- helpers
svc_say() { printf 'services: %s\n' "$*" >&2; }

# svc_wait SECONDS COMMAND...: polls until COMMAND succeeds
svc_wait() {
  local end=$(($(date +%s%N) + $1 * 1000000000))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s%N)" -lt "$end" ] || { svc_say "gave up waiting for: $*"; return 1; }
    sleep 0.05
  done
}

# svc_kill PIDFILE SECONDS: TERM, a wait, KILL
svc_kill() {
  local pid waited=0
  [ -s "$1" ] || return 0
  pid=$(cat "$1")
  kill -TERM "$pid" 2>/dev/null || :
  while kill -0 "$pid" 2>/dev/null && [ "$waited" -lt $(($2 * 20)) ]; do
    sleep 0.05
    waited=$((waited + 1))
  done
  kill -KILL "$pid" 2>/dev/null || :
  rm -f "$1"
}

# svc_orphans PATH: kills what a daemon of ours left running with PATH, which is below RUN_DIR, on its command line
svc_orphans() {
  local file pid
  case $1 in "$RUN_DIR"/?*) ;; *) return 1 ;; esac
  for file in /proc/[0-9]*/cmdline; do
    pid=${file#/proc/}
    pid=${pid%/cmdline}
    if [ "$pid" != $$ ] && { tr '\0' ' ' <"$file"; } 2>/dev/null | grep -qF -- "$1"; then kill -KILL "$pid" 2>/dev/null || :; fi
  done
}

# svc_umount DIR: detaches what a daemon left mounted at or below DIR
svc_umount() {
  awk -v dir="$1" '$2 == dir || index($2, dir "/") == 1 { print $2 }' /proc/mounts | sort -r |
    while read -r mounted; do umount "$mounted" || :; done
}

# svc_apt PACKAGE...: installs what is missing
svc_apt() {
  local package missing=()
  for package; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  apt-get update -qq || return
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$RUN_DIR/apt.log" 2>&1 ||
    { tail -5 "$RUN_DIR/apt.log" >&2; return 1; }
}

# svc_rootfs: makes a root file system of busybox alone, once, and prints its path
svc_rootfs() {
  local root=$RUN_DIR/rootfs busybox applet
  if [ ! -e "$root/.ready" ]; then
    svc_apt busybox-static || return
    busybox=$(dpkg -L busybox-static | grep -E '/busybox$' | head -1)
    mkdir -p "$root"/{bin,etc,tmp,root,proc,sys,dev} && cp "$busybox" "$root/bin/busybox" || return
    for applet in $("$busybox" --list); do [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"; done
    printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
    chmod 1777 "$root/tmp"
    : >"$root/.ready"
  fi
  printf '%s\n' "$root"
}

svc_http() { curl -fsS -m 5 "$@"; }

# svc_spawn NAME COMMAND...: a daemon in a session of its own; its pid in $RUN_DIR/NAME/pid, what it says in log
svc_spawn() {
  local dir=$RUN_DIR/$1
  shift
  mkdir -p "$dir"
  setsid "$@" >>"$dir/log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
}

# svc_mirror: the Debian mirror of this machine
svc_mirror() {
  local uri
  uri=$(sed -n 's/^URIs:[[:space:]]*//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -1)
  [ -n "$uri" ] || uri=$(awk '$1 == "deb" && /debian/ { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' /etc/apt/sources.list 2>/dev/null)
  [ -n "$uri" ] && printf '%s\n' "${uri%% *}"
}

# ---------------------------------------------------------------- docker
install_docker() {
  svc_apt docker.io runc iproute2 iptables curl ca-certificates busybox-static jq || return
  # Where root lacks CAP_SYS_RESOURCE, runc refuses some containers that it could well start without: this asks it for less.
  cat >"$RUN_DIR/bin/runc-lite" <<'LITE'
#!/bin/sh
bundle= previous=
for argument; do
  case $argument in --bundle=*) bundle=${argument#--bundle=} ;; esac
  [ "$previous" = --bundle ] && bundle=$argument
  previous=$argument
done
if [ -n "$bundle" ] && [ -f "$bundle/config.json" ]; then
  files=$(ulimit -Hn)
  case $files in unlimited) files=1073741816 ;; esac
  jq -c --argjson files "$files" '
    (if (.process.oomScoreAdj // 0) < 0 then del(.process.oomScoreAdj) else . end)
    | (if .process.capabilities then .process.capabilities |= map_values(. - ["CAP_SYS_RESOURCE"]) else . end)
    | (if .process.rlimits then .process.rlimits |= map(
        if .type == "RLIMIT_NOFILE" then .hard = ([.hard, $files] | min) | .soft = ([.soft, $files] | min) else . end
      ) else . end)' "$bundle/config.json" >"$bundle/config.json.new" && mv "$bundle/config.json.new" "$bundle/config.json"
fi
exec runc "$@"
LITE
  chmod 755 "$RUN_DIR/bin/runc-lite"
}

svc_may_raise_limits() { [ $((0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status) >> 24 & 1)) = 1 ]; }

docker_socket() { printf '%s\n' "$RUN_DIR/docker/docker.sock"; }
docker_up() { curl -fsS -m 5 --unix-socket "$(docker_socket)" http://docker/_ping; }

# A daemon of our own, beside any other. DOCKER_HOST is exported.
start_docker() {
  local dir=$RUN_DIR/docker flags=()
  mkdir -p "$dir"
  DOCKER_HOST=unix://$(docker_socket)
  export DOCKER_HOST
  docker_up >/dev/null 2>&1 && return 0
  # With --bridge=none it would take docker0 from another daemon; without a flag it would share it.
  ip link show "$DOCKER_BRIDGE_NAME" >/dev/null 2>&1 || ip link add "$DOCKER_BRIDGE_NAME" type bridge || return
  ip addr show dev "$DOCKER_BRIDGE_NAME" | grep -qF " ${DOCKER_BRIDGE_CIDR%/*}/" ||
    ip addr add "$DOCKER_BRIDGE_CIDR" dev "$DOCKER_BRIDGE_NAME" || return
  ip link set "$DOCKER_BRIDGE_NAME" up || return
  svc_may_raise_limits || flags=(--add-runtime "lite=$RUN_DIR/bin/runc-lite" --default-runtime lite)
  rm -f "$dir/dockerd.pid"
  setsid dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/dockerd.pid" -H "$DOCKER_HOST" \
    --bridge="$DOCKER_BRIDGE_NAME" ${flags[@]+"${flags[@]}"} >>"$dir/log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  svc_wait 30 docker_up || { tail -5 "$dir/log" >&2; return 1; }
}

# The image busybox:local. The tests make one of their own (test/helpers/docker.ts); this one is for trying things by hand.
docker_image() {
  local root
  docker image inspect busybox:local >/dev/null 2>&1 && return 0
  root=$(svc_rootfs) || return
  tar -C "$root" -c . | docker import -c 'ENV PATH=/bin' -c 'CMD ["sh"]' - busybox:local >/dev/null
}

stop_docker() {
  local dir=$RUN_DIR/docker ids
  # A container that still runs would cost the daemon up to ten seconds.
  if docker_up >/dev/null 2>&1; then
    ids=$(DOCKER_HOST=unix://$(docker_socket) docker ps -aq)
    # shellcheck disable=SC2086
    [ -z "$ids" ] || DOCKER_HOST=unix://$(docker_socket) docker rm -f $ids >/dev/null 2>&1 || :
  fi
  svc_kill "$dir/pid" 15
  svc_orphans "$dir/exec"
  svc_umount "$dir"
  ip link del "$DOCKER_BRIDGE_NAME" 2>/dev/null || :
}

try_docker() {
  docker_image || return
  docker rm -f fm-try >/dev/null 2>&1
  docker run -d --name fm-try --network none --memory 64m --pids-limit 32 --cpus 0.5 busybox:local sleep 300 >/dev/null || return
  [ "$(docker exec fm-try echo in)" = in ] || return
  docker exec fm-try sh -c 'echo kept >/kept' && docker commit fm-try fm-try:1 >/dev/null || return
  [ "$(docker run --rm --network none fm-try:1 cat /kept)" = kept ] || return
  docker rm -f fm-try >/dev/null && docker rmi -f fm-try:1 >/dev/null
}

# ---------------------------------------------------------------- bubblewrap
install_bubblewrap() { svc_apt bubblewrap; }
start_bubblewrap() { :; }
stop_bubblewrap() { :; }
try_bubblewrap() {
  [ "$(bwrap --unshare-all --die-with-parent --cap-drop ALL --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp sh -c 'echo $$')" -le 2 ]
}

# ---------------------------------------------------------------- redis, postgres
# The tests start servers of these themselves (test/helpers/servers), as many as they need.
install_redis() { svc_apt redis-server; }
install_postgres() { svc_apt postgresql; }

# ---------------------------------------------------------------- consul: bullseye's package, unpacked; bookworm has none
install_consul() {
  local dir=$RUN_DIR/consul/unpacked
  [ -x "$dir/usr/bin/consul" ] && return 0
  svc_apt curl ca-certificates || return
  mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/none" && : >"$dir/status" || return
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s bullseye main\n' "$(svc_mirror)" >"$dir/sources.list"
  (
    cd "$dir" || exit
    # A state of its own, so that the machine's sources stay as they are.
    apt=(-qq -o Dir::State::Lists="$dir/lists" -o Dir::State::Status="$dir/status" -o Dir::Cache="$dir" -o Dir::Etc::SourceList="$dir/sources.list"
      -o Dir::Etc::SourceParts="$dir/none" -o Dir::Etc::PreferencesParts="$dir/none" -o APT::Sandbox::User=root)
    apt-get "${apt[@]}" update && apt-get "${apt[@]}" download consul >/dev/null && dpkg -x consul_*.deb .
  )
}
consul_url() { printf 'consul://127.0.0.1:%s\n' "$CONSUL_PORT"; }
consul_up() { svc_http "http://127.0.0.1:$CONSUL_PORT/v1/status/leader" | grep -q :; }
start_consul() {
  consul_up 2>/dev/null && return 0
  svc_spawn consul "$RUN_DIR/consul/unpacked/usr/bin/consul" agent -dev -bind 127.0.0.1 -client 127.0.0.1 -http-port "$CONSUL_PORT" -dns-port -1 -grpc-port -1 \
    -server-port $((CONSUL_PORT + 1)) -serf-lan-port $((CONSUL_PORT + 2)) -serf-wan-port -1 -hcl 'disable_update_check = true'
  svc_wait 20 consul_up || { tail -3 "$RUN_DIR/consul/log" >&2; return 1; }
}
stop_consul() { svc_kill "$RUN_DIR/consul/pid" 10; }
try_consul() {
  local kv=http://127.0.0.1:$CONSUL_PORT/v1/kv/try
  [ "$(svc_http -X PUT -d v "$kv")" = true ] && [ "$(svc_http "$kv?raw")" = v ]
}

# ---------------------------------------------------------------- moto: the S3 that Debian has with conditional writes; trixie's package, in a directory of its own
install_moto() {
  local root=$RUN_DIR/moto/root link
  [ -e "$RUN_DIR/moto/ready" ] && return 0
  svc_apt mmdebstrap ca-certificates curl || return
  mkdir -p "$root"
  mmdebstrap --quiet --variant=extract --include=python3-moto,python3-flask-cors,python3 \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    trixie "$root.tar" "deb $(svc_mirror) trixie main" >"$RUN_DIR/moto/log" 2>&1 || { tail -3 "$RUN_DIR/moto/log" >&2; return 1; }
  tar -C "$root" -xf "$root.tar" --exclude='./dev/*' && rm -f "$root.tar" || return
  for link in bin sbin lib lib64; do [ -e "$root/$link" ] || ln -s "usr/$link" "$root/$link"; done
  mkdir -p "$root/etc/ssl/certs" "$root/dev" "$root/tmp" && cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" || return
  : >"$RUN_DIR/moto/ready"
}
moto_url() { printf 's3://flatmachine-test?endpoint=http://127.0.0.1:%s&region=us-east-1\n' "$MOTO_PORT"; }
moto_up() { svc_http -o /dev/null "http://127.0.0.1:$MOTO_PORT/moto-api/"; }
start_moto() {
  moto_up 2>/dev/null && return 0
  # A mount namespace of its own: what is bound there goes with the process.
  svc_spawn moto unshare -m --propagation private sh -c \
    'mount --rbind /dev "$1/dev" && exec env -i PATH=/usr/bin:/bin HOME=/tmp LANG=C.UTF-8 "$(command -v chroot)" "$1" /usr/bin/python3 /usr/bin/moto_server -H 127.0.0.1 -p "$2"' \
    sh "$RUN_DIR/moto/root" "$MOTO_PORT"
  svc_wait 30 moto_up || { tail -3 "$RUN_DIR/moto/log" >&2; return 1; }
  svc_s3 -o /dev/null -X PUT "http://127.0.0.1:$MOTO_PORT/flatmachine-test"
}
svc_s3() { svc_http --user x:y --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -H 'content-type: text/plain' "$@"; }
stop_moto() { svc_kill "$RUN_DIR/moto/pid" 5; }
try_moto() {
  local url=http://127.0.0.1:$MOTO_PORT/flatmachine-test/try
  svc_s3 -o /dev/null -X PUT --data-binary v "$url" && [ "$(svc_s3 "$url")" = v ]
}

# ---------------------------------------------------------------- all of it
# svc_try NAME: from nothing to nothing, with the times
svc_try() {
  local name=$1 result=ok at=("$(date +%s%N)")
  "install_$name" || result='install FAILED'
  at+=("$(date +%s%N)")
  [ "$result" != ok ] || { "start_$name" && "start_$name"; } || result='start FAILED'
  at+=("$(date +%s%N)")
  [ "$result" != ok ] || "try_$name" || result='try FAILED'
  at+=("$(date +%s%N)")
  "stop_$name"
  "stop_$name"
  at+=("$(date +%s%N)")
  printf '%-11s %-15s install %d  start %d  try %d  stop %d ms\n' "$name" "$result" \
    $(((at[1] - at[0]) / 1000000)) $(((at[2] - at[1]) / 1000000)) $(((at[3] - at[2]) / 1000000)) $(((at[4] - at[3]) / 1000000))
  [ "$result" = ok ]
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  svc_say "RUN_DIR=$RUN_DIR"
  case ${1:-} in
    '') printf 'usage: %s all | FUNCTION [ARGUMENT...]\n' "$0" ;;
    all) for component in docker bubblewrap consul moto; do svc_try "$component" || exit; done ;;
    *) "$@" ;;
  esac
fi
