#!/usr/bin/env bash
# Machines that boot: systemd-nspawn containers on throw-away overlays of this machine's root file system, each with
# systemd as PID 1, its own journal, host name, machine ID, cgroup subtree and address on a bridge. Driven by host-lab.ts.
#
#   lab.sh run                        makes the lab, prints `ready PID SCRATCH CGROUP`, and lives until stdin is closed
#   lab.sh install MACHINE ADDRESS    (inside the lab) a machine with a fresh disk, not booted; called again, its disk is new
#   lab.sh boot MACHINE               (inside the lab) becomes the machine; ends when it does, with 133 when it asked for a reboot
#
# Everything lives in one PID, mount and network namespace. When its first process ends, for whatever reason, the
# kernel ends every process and drops every mount, veth and bridge; what remains, empty directories, `run` removes.
# Environment of `run`: HIDDEN_PROGRAMS (paths, one a line, that no machine has), CHECKOUT (a directory that no machine
# sees), ETCD_BIN (a directory whose etcd, etcdctl and etcdutl the machines have, instead of this machine's).
set -euo pipefail

network=10.77.0
lab_name=lifeboat-hosts-

# ---------------------------------------------------------------- the lab, seen from this machine

# Where control groups are: on a mixed layout systemd mirrors its groups in the tree named "systemd".
cgroup_trees() {
  findmnt -nro TARGET -t cgroup2 | sed -n 1p
  findmnt -nro TARGET,OPTIONS -t cgroup | awk '/name=systemd/ && !found { print $1; found = 1 }'
}

remove_lab() {
  local scratch=$1 tree
  # A group stays busy until its last process is reaped, hence the turns.
  for _ in $(seq 250); do
    local left=
    while read -r tree; do
      find "$tree/$(basename "$scratch")" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [ ! -e "$tree/$(basename "$scratch")" ] || left=yes
    done < <(cgroup_trees)
    [ -n "$left" ] || break
    sleep 0.02
  done
  rm -rf "$scratch"
}

# What a run left whose `run` itself was killed. Whoever lives holds a lock on its scratch directory.
remove_abandoned() {
  local old
  find "${TMPDIR:-/tmp}" -maxdepth 1 -type d -name "$lab_name*" -mmin +1 2>/dev/null | while read -r old; do
    flock --nonblock "$old" true && remove_lab "$old"
  done || true
}

run_lab() {
  remove_abandoned
  scratch=$(mktemp -d -t "${lab_name}XXXXXXXX")
  exec 9<"$scratch"
  flock 9
  # When the reader of our output is gone, a word of the shell must not end the clean-up.
  trap 'exec >/dev/null 2>&1; [ -z "${child:-}" ] || { kill -KILL "$child" || true; wait "$child" || true; }; remove_lab "$scratch"' EXIT
  trap 'exit 1' TERM INT HUP
  local tree
  while read -r tree; do mkdir "$tree/$(basename "$scratch")"; done < <(cgroup_trees)
  # The clock is the machine's, and root from outside keeps its rights inside: what enters here may not set it.
  SCRATCH=$scratch setpriv --pdeathsig KILL --bounding-set=-sys_time,-sys_module,-sys_rawio -- \
    unshare --mount --propagation private --net --pid --fork --kill-child -- bash "$0" inside </dev/null &
  child=$!
  cat >/dev/null
}

# ---------------------------------------------------------------- inside its namespaces

inside() {
  # As this machine knows us: /proc is still its own.
  read -r pid _ </proc/self/stat
  mount -t proc proc /proc
  mount -t tmpfs tmpfs /run
  mount -t tmpfs -o size=8g,mode=755 tmpfs "$SCRATCH"
  mkdir "$SCRATCH"/{packages,machines}
  ip link set lo up
  ip link add br0 type bridge
  ip addr add "$network.1/24" dev br0
  ip link set br0 up
  make_image
  # For the other commands, which are not our children.
  declare -p SCRATCH CHECKOUT >"$SCRATCH/environment"
  echo "ready $pid $SCRATCH $(basename "$SCRATCH")"
  # As the first process of the namespace, also a reaper.
  sleep infinity &
  wait
}

# What all machines have in common, as a layer above this machine's root: a Debian with etcd-server and its friends
# installed, nothing enabled, and neither Node nor this checkout.
make_image() {
  local root=$SCRATCH/image-root
  mkdir "$SCRATCH"/{image,image-work,image-root}
  mount -t overlay image -o "lowerdir=/,upperdir=$SCRATCH/image,workdir=$SCRATCH/image-work" "$root"
  local program
  while read -r program; do [ -z "$program" ] || rm -f "$root$program"; done <<<"${HIDDEN_PROGRAMS:-}"
  # Images of containers refuse to start services in it; a host does not.
  rm -f "$root/usr/sbin/policy-rc.d"
  find "$root"/etc/rc?.d -name 'S*' ! -name '*etcd' -delete
  rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/etcd* \
    "$root"/{etc,var/lib}/etcd-lifeboat "$root/etc/etcd" "$root/var/lib/etcd" "$root"/var/log/journal/*
  # With it each installation would index all manual pages anew.
  rm -f "$root/var/lib/man-db/auto-update"
  # It asks who wants to log in, on a console that is not there.
  ln -sf /dev/null "$root/etc/systemd/system/getty.target"
  install -d -o etcd -g etcd -m 700 "$root/var/lib/etcd"
  mkdir -p "$root/var/log/journal"
  if [ -n "${ETCD_BIN:-}" ]; then
    rm -f "$root"/usr/bin/{etcd,etcdctl,etcdutl} "$root"/usr/local/bin/{etcd,etcdctl,etcdutl}
    for program in etcd etcdctl etcdutl; do
      [ ! -e "$ETCD_BIN/$program" ] || install -m 755 "$ETCD_BIN/$program" "$root/usr/bin/$program"
    done
  fi
  umount "$root"
}

install_machine() {
  local machine=$1 address=$2 disk=$SCRATCH/machines/$1
  ! mountpoint -q "$disk/root" || umount "$disk/root"
  rm -rf "$disk"
  mkdir -p "$disk"/{upper,work,root}
  mount -t overlay "$machine" -o "lowerdir=$SCRATCH/image:/,upperdir=$disk/upper,workdir=$disk/work" "$disk/root"
  echo "$machine" >"$disk/root/etc/hostname"
  rm -f "$disk/root/etc/machine-id"
  systemd-id128 new >"$disk/root/etc/machine-id"
  ! ip netns list | grep -w "$machine" >/dev/null || return 0
  ip netns add "$machine"
  ip link add "v-$machine" type veth peer name eth0 netns "$machine"
  ip link set "v-$machine" master br0 up
  ip -n "$machine" addr add "$address/24" dev eth0
  ip -n "$machine" link set lo up
  ip -n "$machine" link set eth0 up
}

boot_machine() {
  local machine=$1 tree group
  while read -r tree; do
    group=$tree/$(basename "$SCRATCH")/$machine
    mkdir -p "$group"
    echo "$BASHPID" >"$group/cgroup.procs"
  done < <(cgroup_trees)
  # --keep-unit: it stays in the group just entered. --register=no: there is no machined here.
  exec systemd-nspawn --quiet --register=no --keep-unit --boot --console=pipe \
    --directory="$SCRATCH/machines/$machine/root" --machine="$machine" \
    --network-namespace-path="/run/netns/$machine" --resolv-conf=off --timezone=off --link-journal=no \
    --tmpfs="$CHECKOUT" --bind-ro="$SCRATCH/packages:/srv/packages" systemd.unit=multi-user.target
}

# shellcheck disable=SC1091 -- written by `inside`
case ${1:-} in
  run) run_lab ;;
  inside) inside ;;
  install) . "$SCRATCH/environment" && install_machine "$2" "$3" ;;
  boot) . "$SCRATCH/environment" && boot_machine "$2" ;;
  *) sed -n '2,15s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
