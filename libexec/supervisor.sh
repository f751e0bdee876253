#!/bin/sh
# The flatmachine supervisor: runs commands inside a box, keeps their journal, and serves one orchestrator per channel.
# Needs /bin/sh (dash, bash or busybox ash) and dd, setsid, mkfifo, mkdir, rm, chmod, cat, wc, sleep; tar only to freeze.
#
#   supervisor.sh serve ROOT DATA BOX   a channel: requests on stdin, replies on stdout, events on stderr
#   supervisor.sh box   ROOT DATA BOX   the first process of a box whose channels are FIFOs in ROOT/channels
#   supervisor.sh idle  ROOT DATA BOX   the first process of a box whose channels are made by its runner
#
# BOX is 1 when the box has its own process ids, so that every process in it is ours to end.
#
# ROOT/slots/SLOT/t.N     the slot's fence: the highest N is the token that holds it
# ROOT/slots/SLOT/since   when the slot was made, hundredths of a second since boot
# ROOT/slots/SLOT/j/ID    a command: first its claim ("run ..."), overwritten in place by its result ("end ... .")
# ROOT/slots/SLOT/j/ID.*  its job (shell text) if that is long, stdin (.in), stdout and stderr (.o .e: head; .o1 .o2 .e1 .e2: tail)
# ROOT/lanes/             FIFOs of the lanes; a lane runs one command at a time and outlives its channel
# ROOT/sessions/          the sessions that are the supervisor's own
# DATA/SLOT               the slot's workspace; DATA/.tmp/SLOT its temporary files
#
# A request is a line of shell text made by the orchestrator, which is trusted: a call of one of the functions under
# "requests". Each gives exactly one reply line, some with bytes after it. Forks and execs are what a command costs
# here, so all but the command's own are avoided where the shell can do the work itself.

nl='
'
umask 022

# ---------------------------------------------------------------- time and processes

# clock: sets $now, hundredths of a second since boot
clock() {
  read -r now _ </proc/uptime
  now=$((${now%.*} * 100 + 1${now#*.} - 100))
}

# stat_of PID: sets $ppid, $sid, $tty and $since (hundredths since boot) of a living process; false when it is gone
stat_of() {
  stat=
  { while read -r line; do stat="$stat $line"; done <"/proc/$1/stat"; } 2>/dev/null
  # a process may call itself anything: only what follows the last ")" is the kernel's
  case $stat in *') '*) ;; *) return 1 ;; esac
  set -- ${stat##*) }
  ppid=$2 sid=$4 tty=$5 since=${20}
  case $1 in Z | X) return 1 ;; esac
}

# environment_of PID: sets $environment, without its NULs
environment_of() {
  environment=
  { while read -r line || [ "$line" ]; do environment="$environment $line"; done <"/proc/$1/environ"; } 2>/dev/null
}

# ours PID SESSION: whether it is a process of the supervisor itself
ours() {
  [ -e "$ROOT/sessions/$2" ] || return 1
  environment_of "$1"
  case $environment in *FLATMACHINE_SUPERVISOR=:*) ;; *) return 1 ;; esac
}

# works_below PID DIRECTORY: whether its working directory is there. For those that wiped their variables; a person's shell
# may stand there too, but has a terminal.
works_below() {
  [ "$tty" = 0 ] && cd -P "/proc/$1/cwd" 2>/dev/null || return 1
  case $PWD/ in "$2"/*) cd / ;; *) cd / && return 1 ;; esac
}

# find_processes MARK SLOT SINCE BOSS ALL: sets $found to the processes not older than SINCE that carry MARK in their
# environment, work in the slot's workspace unmarked, descend from BOSS, or share a session with one of these; with ALL=1
# also all others that no slot has marked
find_processes() {
  found= sessions= others=
  for process in /proc/[0-9]*; do
    process=${process#/proc/}
    [ "$process" -gt 1 ] && stat_of "$process" && [ "$since" -ge "$3" ] && ! ours "$process" "$sid" || continue
    environment_of "$process"
    case $environment in
      *"$1"*) found="$found $process" sessions="$sessions $sid" ;;
      *FLATMACHINE_SLOT=:*) others="$others $process:$ppid:$sid" ;;
      *)
        if [ "$5" = 1 ] || works_below "$process" "$DATA/$2"; then
          found="$found $process"
        else
          others="$others $process:$ppid:$sid"
        fi
        ;;
    esac
  done
  grown=1
  while [ "$grown" ]; do
    grown=
    for process in $others; do
      sid=${process##*:} ppid=${process#*:} ppid=${ppid%:*} process=${process%%:*}
      case " $found " in *" $process "*) continue ;; esac
      case " $4 $found :$sessions " in
        *" $ppid "*:* | *:*" $sid "*) found="$found $process" sessions="$sessions $sid" grown=1 ;;
      esac
    done
  done
}

# kill_processes MARK SLOT SINCE BOSS ALL: ends what find_processes finds until nothing new turns up.
# $killed = how many there were; false when some would not die
kill_processes() {
  killed=0 seen= rounds=0
  while :; do
    find_processes "$@"
    [ "$found" ] || return 0
    rounds=$((rounds + 1))
    [ "$rounds" -le 300 ] || return 1
    fresh=
    for process in $found; do
      case " $seen " in *" $process "*) ;; *) seen="$seen $process" fresh=1 killed=$((killed + 1)) ;; esac
    done
    # stopped before killed, so that a fork bomb cannot outrun us
    if [ "$fresh" ] && [ "$rounds" -le 30 ]; then kill -STOP $found; else kill -KILL $found; fi 2>/dev/null
    [ "$rounds" -le 60 ] || sleep 0.01
  done
}

# whole_box: sets $whole to 1 when unmarked processes can only be of the one slot that there is
whole_box() {
  whole=0
  [ "$BOX" = 1 ] || return 0
  for slot_directory in "$ROOT"/slots/*; do whole=$((whole + 1)); done
  [ "$whole" = 1 ] || whole=0
}

# count_ooms: sets $ooms, how often the kernel has killed in this box for want of memory
count_ooms() {
  ooms=0
  [ "$BOX" = 1 ] || return 0
  for counter in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
    [ -r "$counter" ] || continue
    while read -r key value; do [ "$key" != oom_kill ] || ooms=$value; done <"$counter"
  done
}

# ---------------------------------------------------------------- lanes: one command at a time, from claim to result

# Whether this shell can wait with a limit and look without taking; dash cannot, and pays with a few processes.
polls=
(read -t 0 line </dev/null) 2>/dev/null && polls=1

# next_event WAKE: sets $event $turn_of $v1..$v6 to the lane's next event, or $event to t when the clock passes WAKE (if any)
next_event() {
  if [ ! "$1" ]; then
    read -r event turn_of v1 v2 v3 v4 v5 v6 <&3
    return
  fi
  clock
  left=$(($1 - now))
  if [ "$left" -le 0 ]; then
    event=t
  elif [ "$polls" ]; then
    [ "$left" -ge 10 ] && left=$((left / 100)).$((left / 10 % 10))$((left % 10)) || left=0.0$left
    # one byte, then the rest: a limit that falls into the midst of a line would tear it. bash may have taken the byte and
    # still say that the time was up.
    event=
    read -r -t "$left" -n 1 event <&3
    if [ "$event" ]; then read -r turn_of v1 v2 v3 v4 v5 v6 <&3; else event=t; fi
  else
    kill -0 "$ticker" 2>/dev/null || start_ticker
    read -r event turn_of v1 v2 v3 v4 v5 v6 <&3
  fi
}

start_ticker() {
  (exec 4>&- 5>&-; while sleep 0.1; do printf 't\n' >&3; done) &
  ticker=$!
}

# keep_stream NAME: copies the pipe on fd 6 into FILE (the first half of $keep bytes) and, by turns, FILE1 and FILE2 (of
# which one or both hold at least the last half), counts, and reports "NAME TURN total head older newer which lossy"
keep_stream() {
  stream=$1 base=$J/$id.$1 file=$J/$id.$1 room=$((keep / 2)) segment=$((keep - keep / 2))
  total=0 head=0 older=0 newer=0 which=0 size=0 lossy=0 cut= copier=
  [ "$segment" -ge 4194304 ] || segment=4194304
  trap 'cut=1; kill "$copier" 2>/dev/null' TERM
  printf '' >"$file" || lossy=1
  [ "$lossy" = 1 ] || exec 9>"$file"
  while [ ! "$cut" ] && [ "$lossy" = 0 ]; do
    if [ "$room" -le 0 ]; then
      which=$((which % 2 + 1)) older=$newer newer=0 size=0 room=$segment
      printf '' >"$base$which" || { lossy=1; break; }
      exec 9>"$base$which"
    fi
    if [ "$which" = 0 ]; then block=4096; else block=65536; fi
    [ "$room" -ge "$block" ] || block=$room
    count=$((room / block))
    [ "$limit" = 0 ] || [ "$count" -le 8 ] || count=8
    dd bs="$block" count="$count" <&6 >&9 2>/dev/null &
    copier=$!
    wait "$copier" || lossy=1
    [ ! "$cut" ] || { wait "$copier" || :; lossy=0; }
    # the offset that dd has left in the file that it shares with us
    copied=$size
    written 9
    copied=$((size - copied))
    [ "$copied" != 0 ] || break
    total=$((total + copied)) room=$((room - copied))
    if [ "$which" = 0 ]; then head=$size; else newer=$size; fi
    [ "$limit" = 0 ] || printf 'n %s %s %s\n' "$turn" "$stream" "$total" >&3
  done
  exec 9>&-
  # a disk that is full must not stop the command
  [ "$lossy" = 0 ] || total=$((total + $(wc -c <&6)))
  printf '%s %s %s %s %s %s %s %s\n' "$stream" "$turn" "$total" "$head" "$older" "$newer" "$which" "$lossy" >&3
  exec 3>&-
  [ ! "$cut" ] || exec cat <&6 >/dev/null
}

# written FD: sets $size to the offset of an open file
written() {
  { read -r word size; } <"/proc/self/fdinfo/$1"
}

start_filters() {
  exec 6<"$lane.o"
  (exec 4>&- 5>&-; keep_stream o) &
  filter_o=$!
  exec 6<"$lane.e"
  (exec 4>&- 5>&-; keep_stream e) &
  filter_e=$!
  exec 6<&-
  filters=2
}

# silent: whether both streams are empty and nobody holds them any more; then no filter was needed
silent() {
  [ "$polls" ] || return 1
  if read -t 0 <&4 || read -t 0 <&5; then return 1; fi
  exec 6<"$lane.o" 7<"$lane.e" 4>&- 5>&-
  if read -t 0 <&6 && read -t 0 <&7; then
    # at their end, or a child left behind has just written: then the pipes are not to be used again
    if ! read -r rest <&6 && [ ! "$rest" ] && ! read -r rest <&7 && [ ! "$rest" ]; then
      exec 6<&- 7<&-
      return 0
    fi
  fi
  exec 4<>"$lane.o" 5<>"$lane.e" 6<&- 7<&-
  return 1
}

# end_tree SIGNAL: ends the command's processes: TERM asks, KILL does
end_tree() {
  whole_box
  mark=FLATMACHINE_EXEC=:$DATA/$slot/$id:
  if [ "$1" = KILL ]; then
    kill_processes "$mark" "$slot" "$((began - 2))" "$boss" "$whole"
  else
    find_processes "$mark" "$slot" "$((began - 2))" "$boss" 0
    [ ! "$found" ] || kill -TERM $found 2>/dev/null
  fi
}

# report_stream: takes the report of one of the filters
report_stream() {
  [ "$turn_of" = "$turn" ] || return 0
  if [ "$event" = o ]; then report_o="$v1 $v2 $v3 $v4 $v5 $v6"; else report_e="$v1 $v2 $v3 $v4 $v5 $v6"; fi
  filters=$((filters - 1))
}

# run ID SLOT TIMEOUT KEEP LIMIT JOB: a command from its claim to its result; without JOB it is in a file
run() {
  id=$1 slot=$2 job=$6 turn=$((turn + 1)) deadline= keep=$4 limit=$5 J=$ROOT/slots/$2/j code=- why=- sent= input=/dev/null
  filters=0 filter_o= filter_e= report_o='0 0 0 0 0 0' report_e='0 0 0 0 0 0' total_o=0 total_e=0
  [ ! -e "$J/$id.in" ] || input=$J/$id.in
  clock
  began=$now
  [ "$3" = 0 ] || deadline=$((began + $3))
  count_ooms
  ooms_before=$ooms
  exec 4<>"$lane.o" 5<>"$lane.e"
  [ "$polls" ] || start_filters
  (
    exec 4>&- 5>&-
    (
      exec 3>&-
      trap - PIPE
      . "$ROOT/slots/$slot/prelude"
      export FLATMACHINE_EXEC=":$DATA/$slot/$id:"
      if [ "$job" ]; then eval "$job"; else . "$J/$id.job"; fi
      exec setsid "$@"
    ) <"$input" >"$lane.o" 2>"$lane.e"
    printf 'x %s %s\n' "$turn" "$?" >&3
  ) &
  boss=$!
  # a short command needs no filters: what it wrote waits in the pipes
  wake=$((began + 3))
  [ "$filters" = 0 ] || set_wake
  while [ "$code" = - ]; do
    next_event "$wake"
    case $event in
      x) [ "$turn_of" != "$turn" ] || code=$v1 ;;
      o | e) report_stream ;;
      c) [ "$turn_of" != "$id" ] || [ "$why" != - ] || why=$v1 ;;
      q) quit=1 ;;
      n)
        [ "$turn_of" = "$turn" ] || continue
        if [ "$v1" = o ]; then total_o=$v2; else total_e=$v2; fi
        [ "$((total_o + total_e))" -le "$limit" ] || [ "$why" != - ] || why=output_capped
        ;;
      t) on_time ;;
    esac
    if [ "$why" != - ] && [ ! "$sent" ]; then
      [ "$filter_o" ] || start_filters
      end_tree TERM
      clock
      sent=TERM wake=$((now + 200))
    fi
  done
  [ "$why" = - ] || end_tree KILL
  clock
  ended=$now
  collect
  count_ooms
  record $((ooms > ooms_before))
}

# set_wake: when to look next: at the deadline, or in a second to see whether the command's parent was killed
set_wake() {
  clock
  wake=$((now + 100))
  if [ "$deadline" ] && [ "$deadline" -lt "$wake" ]; then wake=$deadline; fi
}

# on_time: the clock has passed $wake, or dash's ticker has ticked
on_time() {
  clock
  if [ "$sent" ]; then
    [ "$now" -ge "$wake" ] || return 0
    end_tree KILL
    # its waiter may hang with it in the kernel: give up a second grace later
    [ "$sent" != KILL ] || code=137
    sent=KILL wake=$((now + 200))
  elif [ "$deadline" ] && [ "$now" -ge "$deadline" ]; then
    why=timeout
  elif [ "$now" -ge "$wake" ]; then
    [ "$filter_o" ] || start_filters
    if orphaned; then
      end_tree KILL
      code=137
    fi
    set_wake
  fi
}

# orphaned: whether the command's parent, which tells its end, was killed before it could
orphaned() {
  ! stat_of "$boss" || return 1
  # what it has told comes before what is written now
  printf 'z\n' >&3
  while :; do
    next_event ''
    case $event in
      x) [ "$turn_of" != "$turn" ] || code=$v1 ;;
      o | e) report_stream ;;
      q) quit=1 ;;
      z) break ;;
    esac
  done
  [ "$code" = - ]
}

# collect: what the command wrote. A child left behind that holds the pipes gets 0.3 s; what it writes later is dropped.
collect() {
  if [ ! "$filter_o" ]; then
    ! silent || return 0
    start_filters
  fi
  exec 4>&- 5>&-
  clock
  wake=$((now + 30)) held=
  while [ "$filters" -gt 0 ]; do
    next_event "$wake"
    case $event in
      o | e) report_stream ;;
      q) quit=1 ;;
      t)
        clock
        [ "$now" -ge "$wake" ] || continue
        [ ! "$held" ] || break
        kill -TERM "$filter_o" "$filter_e" 2>/dev/null
        held=1 wake=$((now + 200))
        ;;
    esac
  done
  [ ! "$held" ] || new_pipes
}

# record OOM: writes the result over the claim, which needs no new room on a full disk, and tells the channel
record() {
  result="end $code $why $began $ended $1 $report_o $report_e ."
  printf '%s\n' "$result" 1<>"$J/$id" 2>/dev/null
  printf 'D %s %s %s %s\n' "$number" "$slot" "$id" "$result" >&2
  id=
}

# fall: the shell is about to die with a command under way, because the box lets it start no more processes
fall() {
  [ "$id" ] || return 0
  trap - EXIT
  end_tree KILL
  clock
  ended=$now code=137
  record 0
}

new_pipes() {
  rm -f "$lane.o" "$lane.e"
  mkfifo "$lane.o" "$lane.e"
}

# await_job: the next event for an idle lane. Where that can be seen, a lane whose server is gone quits.
await_job() {
  if [ "$polls" ]; then
    event=
    until read -r -t 10 -n 1 event <&3 || [ "$event" ]; do stat_of "$self" || return 1; done
    read -r turn_of v1 v2 v3 v4 v5 v6 <&3
  else
    read -r event turn_of v1 v2 v3 v4 v5 v6 <&3
  fi
}

# lane NUMBER: runs what the server hands over, until told to quit
lane() {
  number=$1 lane=$ROOT/lanes/$self.$1 id= turn=0 quit= ticker=
  trap fall EXIT
  exec </dev/null >/dev/null
  while [ ! "$quit" ] && await_job; do
    case $event in
      j) run "$turn_of" "$v1" "$v2" "$v3" "$v4" "$v5${v6:+ $v6}" ;;
      t) kill "$ticker" 2>/dev/null ;;
      q) quit=1 ;;
    esac
  done
  kill "$ticker" 2>/dev/null
  rm -f "$lane".*
}

# ---------------------------------------------------------------- requests

say() { printf '%s\n' "$*"; }

# fence SLOT TOKEN: sets $S and $J; false, with the reply given, unless TOKEN is the slot's youngest
fence() {
  S=$ROOT/slots/$1 J=$ROOT/slots/$1/j youngest=
  for youngest in "$S"/t.*; do
    youngest=${youngest##*/t.}
    case $youngest in '*') say unopened; return 1 ;; esac
    [ "$youngest" -le "$2" ] || { say fenced "$youngest"; return 1; }
  done
}

# hello: what is here
hello() { say ok "$self" "${polls:-0}"; }

# open_slot SLOT TOKEN PRELUDE: the prelude is what the shell of each of its commands does first
open_slot() {
  S=$ROOT/slots/$1
  mkdir -p "$S/j" "$DATA/$1" "$DATA/.tmp/$1" || { say failed 'the workspace cannot be made'; return; }
  clock
  [ -s "$S/prelude" ] || printf '%s\n' "$3" >"$S/prelude" || { say failed 'no room'; return; }
  [ -s "$S/since" ] || printf '%s\n' "$now" >"$S/since"
  printf '' >"$S/t.$2" || { say failed 'the fence cannot be written'; return; }
  fence "$@" || return 0
  for older in "$S"/t.*; do [ "${older##*/t.}" -ge "$2" ] || rm -f "$older"; done
  say ok "$DATA/$1"
}

# known: whether a command's claim is there; gives its state as the reply then
known() {
  word='' waited=0
  # an empty claim is being written by another channel
  while [ -e "$J/$1" ] && ! read -r word claimed_by claimed_pid claimed_since rest <"$J/$1" && [ "$waited" -lt 200 ]; do
    sleep 0.01
    waited=$((waited + 1))
  done 2>/dev/null
  [ -e "$J/$1" ] || return 1
  case $word in
    end) say end "$claimed_by" "$claimed_pid" "$claimed_since" "$rest" ;;
    run) if stat_of "$claimed_pid" && [ "$since" = "$claimed_since" ]; then say running; else known_lost "$1"; fi ;;
    *) say lost ;;
  esac
}

# known_lost ID: its lane is gone; it may have written the result as its last act
known_lost() {
  read -r word claimed_by claimed_pid claimed_since rest <"$J/$1"
  if [ "$word" = end ]; then say end "$claimed_by" "$claimed_pid" "$claimed_since" "$rest"; else say lost; fi
}

# exec_command LANE SLOT TOKEN ID TIMEOUT KEEP LIMIT JOB: starts it unless it is known
exec_command() {
  # a little room, so that on a full disk a command can still be run that makes some
  [ -s "$ROOT/reserve" ] || { printf '%16384s' '' >"$ROOT/reserve"; } 2>/dev/null
  start_command "$@"
}

# in_reserve ...: starts the command in the room that is kept for that; a refusal when it is gone already
in_reserve() {
  if [ ! -e "$ROOT/reserve" ]; then
    say failed 'no room for the journal'
  else
    rm -f "$ROOT/reserve"
    start_command "$@"
  fi
}

start_command() {
  fence "$2" "$3" || return 0
  ! known "$4" || return 0
  # a child of this shell, whose number is not given away before the shell has seen its end
  eval "lane_pid=\${lane_$1:-} lane_since=\${since_$1:-}"
  if [ ! "$lane_pid" ] || ! kill -0 "$lane_pid" 2>/dev/null; then start_lane "$1" || return 0; fi
  job=$8
  case $job in
    # a pipe takes whole lines of less than 4 KiB only
    *"$nl"*) job= ;;
    *) [ "${#job}" -le 800 ] || job= ;;
  esac
  [ "$job" ] || printf '%s\n' "$8" >"$J/$4.job" || { in_reserve "$@"; return; }
  # who creates the claim has it; until it is written it is empty, which says nothing about room
  set -C
  if { true >"$J/$4"; } 2>/dev/null; then
    set +C
    if { printf '%-200s\n' "run $1 $lane_pid $lane_since $self" >"$J/$4"; } 2>/dev/null; then
      printf 'j %s %s %s %s %s %s\n' "$4" "$2" "$5" "$6" "$7" "$job" 1<>"$ROOT/lanes/$self.$1.c"
      say started
    else
      rm -f "$J/$4"
      in_reserve "$@"
    fi
  else
    set +C
    known "$4" || in_reserve "$@"
  fi
}

start_lane() {
  pipes=$ROOT/lanes/$self.$1
  rm -f "$pipes".*
  mkfifo "$pipes.c" "$pipes.o" "$pipes.e" || { say failed 'a lane cannot be made'; return 1; }
  # opened here, so that what is handed over before the lane gets going is not lost
  exec 3<>"$pipes.c"
  lane "$1" &
  lane_pid=$!
  exec 3>&-
  stat_of "$lane_pid"
  lane_since=$since lanes="$lanes $1"
  eval "lane_$1=$lane_pid since_$1=$lane_since"
}

# status SLOT TOKEN ID
status() {
  fence "$1" "$2" || return 0
  known "$3" || say unknown
}

# stop_command SLOT TOKEN ID WHY
stop_command() {
  fence "$1" "$2" || return 0
  if [ -e "$J/$3" ]; then
    read -r word claimed_by claimed_pid claimed_since server rest <"$J/$3"
    if [ "$word" = run ] && stat_of "$claimed_pid" && [ "$since" = "$claimed_since" ]; then
      printf 'c %s %s\n' "$3" "$4" 1<>"$ROOT/lanes/$server.$claimed_by.c"
    fi
  fi
  say ok
}

# output SLOT ID FILE SKIP ...: those files, which are complete, each from block SKIP of 4096 bytes on
output() {
  J=$ROOT/slots/$1/j/$2
  shift 2
  say ok
  while [ "$#" -gt 0 ]; do
    dd bs=4096 skip="$2" if="$J.$1" 2>/dev/null
    shift 2
  done
}

# send_some FILE SKIP COUNT: replies "ok N", then N bytes of FILE from block SKIP on, COUNT blocks of 4096 at most
send_some() {
  piece=$ROOT/lanes/$self.piece
  printf '' >"$piece" || { say failed 'no room'; return; }
  exec 9>"$piece"
  if dd bs=4096 skip="$2" count="$3" if="$1" >&9 2>/dev/null; then
    written 9
    say ok "$size"
    [ "$size" = 0 ] || dd bs=65536 if="$piece" 2>/dev/null
  else
    say failed 'it cannot be read'
  fi
  exec 9>&-
}

# live SLOT ID STREAM SKIP COUNT: what the command has written so far
live() {
  J=$ROOT/slots/$1/j/$2
  if [ -s "$J.$3" ]; then send_some "$J.$3" "$4" "$5"; else say ok 0; fi
}

# take SIZE FILE: exactly SIZE bytes of the channel into FILE. A channel that lost its place is given up.
take() {
  if [ "$1" -ge 65536 ]; then
    dd bs=65536 count="$(($1 / 65536))" iflag=fullblock >"$2" 2>/dev/null || { say failed 'no room'; exit 1; }
  else
    printf '' >"$2" || { say failed 'no room'; exit 1; }
  fi
  [ "$(($1 % 65536))" = 0 ] || dd bs="$(($1 % 65536))" count=1 iflag=fullblock >>"$2" 2>/dev/null || { say failed 'no room'; exit 1; }
}

# stdin_of SLOT TOKEN ID SIZE, then the bytes
stdin_of() {
  J=$ROOT/slots/$1/j
  if ! refusal=$(fence "$1" "$2"); then
    take "$4" /dev/null
    say "$refusal"
    return
  fi
  # a command that is known has its input
  if [ -e "$J/$3" ]; then take "$4" /dev/null; else take "$4" "$J/$3.in"; fi
  say ok
}

# inside SLOT PATH: sets $file; false, with the reply given, when a link would lead out of the workspace
inside() {
  file=$DATA/$1 rest=$2/
  if [ -L "$file" ]; then say unsafe 'the workspace itself'; return 1; fi
  while [ "$rest" ]; do
    file=$file/${rest%%/*} rest=${rest#*/}
    if [ -L "$file" ] && { [ "$rest" ] || [ "$3" = read ]; }; then say unsafe "${file#"$DATA/$1/"}"; return 1; fi
  done
}

# upload SLOT TOKEN PATH MODE SIZE, then the bytes
upload() {
  if ! refusal=$(fence "$1" "$2" && inside "$1" "$3" write); then
    take "$5" /dev/null
    say "$refusal"
    return
  fi
  file=$DATA/$1/$3
  if { [ -d "${file%/*}" ] || mkdir -p "${file%/*}"; } && { [ ! -L "$file" ] || rm -f "$file"; } && [ ! -d "$file" ]; then
    take "$5" "$file"
    chmod "$4" "$file" && say ok || say failed 'its mode cannot be set'
  else
    take "$5" /dev/null
    say failed 'a file or directory is in the way'
  fi 2>/dev/null
}

# download SLOT TOKEN PATH BLOCKS
download() {
  fence "$1" "$2" && inside "$1" "$3" read || return 0
  if [ -f "$file" ]; then send_some "$file" 0 "$4"; else say missing; fi
}

# stop_slot SLOT TOKEN: every process of the slot
stop_slot() {
  fence "$1" "$2" || return 0
  end_slot "$1"
  [ "$?" = 0 ] && say ok "$killed" || say dirty "$found"
}

end_slot() {
  read -r slot_since <"$S/since"
  whole_box
  kill_processes "FLATMACHINE_SLOT=:$DATA/$1:" "$1" "$((slot_since - 2))" none "$whole"
}

# reset_slot SLOT TOKEN: ends its processes, empties workspace and journal, and looks whether that is so
reset_slot() {
  fence "$1" "$2" || return 0
  end_slot "$1" || { say dirty "processes$found"; return; }
  settle
  [ ! -L "$DATA/$1" ] || rm -f "$DATA/$1"
  chmod -R u+rwX "$DATA/$1" "$DATA/.tmp/$1"
  rm -rf "$DATA/$1" "$DATA/.tmp/$1" "$S/j"
  mkdir -p "$DATA/$1" "$DATA/.tmp/$1" "$S/j"
  for left in "$DATA/$1"/* "$DATA/$1"/.[!.]* "$DATA/$1"/..?* "$DATA/.tmp/$1"/* "$S"/j/*; do
    if [ -e "$left" ] || [ -L "$left" ]; then say dirty "$left"; return; fi
  done
  if [ -L "$DATA/$1" ] || [ ! -d "$DATA/$1" ]; then say dirty "$DATA/$1"; else say ok; fi
} 2>/dev/null

# settle: waits until the lanes have recorded the commands that were just ended
settle() {
  for claim in "$S"/j/*; do
    waited=0
    while [ "$waited" -lt 300 ] && read -r word claimed_by claimed_pid claimed_since rest <"$claim" && [ "$word" = run ] &&
      stat_of "$claimed_pid" && [ "$since" = "$claimed_since" ]; do
      sleep 0.01
      waited=$((waited + 1))
    done
  done
}

# archive SLOT TOKEN: the workspace as a tar, in pieces: "N" and N bytes, ended by "0" and tar's status
archive() {
  fence "$1" "$2" || return 0
  if [ -L "$DATA/$1" ]; then say unsafe 'the workspace itself'; return; fi
  piece=$ROOT/lanes/$self.archive
  say ok
  {
    tar -C "$DATA/$1" -cf - . 2>"$piece.err"
    printf '%s\n' "$?" >"$piece.status"
  } | while exec 9>"$piece" && dd bs=65536 count=16 iflag=fullblock >&9 2>/dev/null && written 9 && [ "$size" != 0 ]; do
    say "$size"
    dd bs=65536 if="$piece" 2>/dev/null
  done
  read -r tar_status <"$piece.status"
  say 0 "$tar_status"
}

# ---------------------------------------------------------------- processes of the supervisor

# join_session: sets $self, and records the session as the supervisor's
join_session() {
  read -r self rest </proc/self/stat
  stat_of "$self"
  : >"$ROOT/sessions/$sid"
}

serve() {
  trap '' PIPE
  lanes=
  join_session
  trap leave EXIT
  cd /
  # $request is left to eval alone: request functions may use every other name
  while read -r request; do eval "$request"; done
}

# leave: the channel has ended, or is given up
leave() {
  for number in $lanes; do printf 'q\n' 1<>"$ROOT/lanes/$self.$number.c"; done
  rm -f "$ROOT/lanes/$self.piece" "$ROOT/lanes/$self".archive*
}

# box: starts a server for each channel whose name comes in
box() {
  join_session
  exec 8<>"$ROOT/channels/control"
  while read -r channel <&8; do
    (exec 8>&-; serve <"$ROOT/channels/$channel.in" >"$ROOT/channels/$channel.out" 2>"$ROOT/channels/$channel.err") &
  done
}

idle() {
  join_session
  trap 'exit 0' TERM INT
  while :; do
    sleep 3600 &
    wait "$!"
  done
}

ROOT=$2 DATA=$3 BOX=$4
mkdir -p "$ROOT/slots" "$ROOT/lanes" "$ROOT/sessions" "$DATA" || exit 1
case $1 in
  serve | box | idle) "$1" ;;
  *) printf 'usage: supervisor.sh serve|box|idle ROOT DATA BOX\n' >&2; exit 2 ;;
esac
