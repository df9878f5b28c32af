#!/usr/bin/env bash
# A systemd user manager with a journal of its own, also where PID 1 is not systemd. Started by systemd-user.ts
# with a scratch directory as its argument; prints "ready", and lives until its standard input is closed, which
# also happens when the test run is killed. Everything that the manager started ends with it.
set -euo pipefail
scratch=$1

if [ "${2:-}" != inside ]; then
  # journald reads the unit's name from the cgroup's path, and skips leading slices.
  tag=lifeboat-$(basename "$scratch" | tr -cd '[:alnum:]').slice
  unified=$(findmnt -nro TARGET -t cgroup2 | sed -n 1p)/$tag
  # On a mixed layout the manager mirrors its groups in the tree named "systemd".
  legacy=$(findmnt -nro TARGET,OPTIONS -t cgroup | awk '/name=systemd/ && !found { print $1; found = 1 }')/$tag

  clean_up() {
    # When the test run was killed, a word about a killed job would end this script by SIGPIPE.
    exec > /dev/null 2>&1
    # A group stays busy until its last process is reaped, hence the turns.
    for _ in $(seq 250); do
      processes=$(find "$unified" -name cgroup.procs -exec cat {} + 2>/dev/null || true)
      # shellcheck disable=SC2086 -- one word for each process
      [ -z "$processes" ] || kill -KILL $processes 2>/dev/null || true
      for tree in "$unified" "$legacy"; do
        find "$tree" -depth -type d -exec rmdir {} + 2>/dev/null || true
      done
      [ -e "$unified" ] || [ -e "$legacy" ] || break
      sleep 0.02
    done
  }
  trap clean_up EXIT
  trap 'exit 1' TERM INT HUP

  mkdir -p "$unified/init.scope"
  (
    echo "$BASHPID" > "$unified/init.scope/cgroup.procs"
    export CGROUP=$unified
    # The clock is the machine's: nothing in here may set it.
    exec setpriv --bounding-set=-sys_time -- unshare --mount --propagation private -- \
      bash "$0" "$scratch" inside
  ) < /dev/null &
  cat > /dev/null
  exit 0
fi

# The manager refuses to run where this directory is absent; on a private tmpfs, only it sees it.
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
[ ! -d /var/log/journal ] || mount -t tmpfs tmpfs /var/log/journal
/lib/systemd/systemd-journald > "$scratch/journald.log" 2>&1 &
echo $$ > "$scratch/namespace.pid"

user=$(id -u)
group=$CGROUP/user.slice/user-$user.slice/user@$user.service
mkdir -p "$group" "$scratch"/{run,units/systemd/user,data,home}
chmod 700 "$scratch/run"
export XDG_RUNTIME_DIR=$scratch/run XDG_CONFIG_HOME=$scratch/units XDG_DATA_HOME=$scratch/data HOME=$scratch/home
unset DBUS_SESSION_BUS_ADDRESS NOTIFY_SOCKET
until_true() {
  for _ in $(seq 500); do
    "$@" > /dev/null 2>&1 && return
    sleep 0.02
  done
  echo "waited in vain for: $*" >&2
  exit 1
}
until_true test -S /run/systemd/journal/stdout
(
  echo "$BASHPID" > "$group/cgroup.procs"
  SYSTEMD_LOG_TARGET=journal exec /lib/systemd/systemd --user --unit=basic.target
) > "$scratch/manager.log" 2>&1 &
running() { systemctl --user is-system-running | grep -E 'running|degraded'; }
until_true running
echo ready
wait
