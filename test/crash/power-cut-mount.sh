#!/bin/sh
# Power cuts on real file systems: ext4 and XFS in a loop mount, shut down in the middle of a send with everything lost that was not
# synced, mounted again (which replays the journal), 20 rounds each, judged by run.ts. Needs root, loop devices, mkfs.xfs and
# xfs_io (or perl, for ext4 alone). Says why and succeeds where the machine has not got them. At the end the same cut under durability
# `os` must lose something: else it cuts nothing, and the rounds before have proven nothing.
#
#     test/crash/power-cut-mount.sh [rounds]
set -u
rounds=${1:-20}
root=$(cd "$(dirname "$0")/../.." && pwd)
node="$root/node_modules/node/bin/node"

skip() {
  echo "power cut on $1: not run, $2"
}

# FS_IOC_SHUTDOWN with NOLOGFLUSH: what is not in the journal or on the platter is gone. ext4 takes XFS's number.
shutdown_command() {
  if command -v xfs_io >/dev/null; then
    echo "xfs_io -x -c shutdown '$1'"
  elif command -v perl >/dev/null; then
    echo "perl -e 'open(F, \"<\", \$ARGV[0]) or die; ioctl(F, 0x8004587d, pack(\"L\", 2)) or die \"\$!\"' '$1'"
  fi
}

run_on() {
  kind=$1
  shift
  command -v "mkfs.$kind" >/dev/null || { skip "$kind" "this machine has no mkfs.$kind"; return 0; }
  [ "$(id -u)" = 0 ] || { skip "$kind" 'mounting needs root'; return 0; }
  work=$(mktemp -d)
  mount="$work/mount"
  mkdir "$mount"
  truncate -s 2G "$work/image"
  cut=$(shutdown_command "$mount")
  if [ -z "$cut" ]; then
    skip "$kind" 'this machine has neither xfs_io nor perl to shut a file system down with'
  elif ! "mkfs.$kind" "$@" "$work/image" >"$work/mkfs.log" 2>&1; then
    skip "$kind" "mkfs.$kind failed: $(tail -1 "$work/mkfs.log")"
  elif ! mount -o loop "$work/image" "$mount" 2>"$work/mount.log"; then
    skip "$kind" "it cannot be mounted: $(cat "$work/mount.log")"
  elif ! sh -c "$cut" 2>"$work/cut.log"; then
    umount "$mount"
    skip "$kind" "it cannot be shut down: $(cat "$work/cut.log")"
  else
    remount="for i in 1 2 3 4 5 6 7 8 9 10; do umount '$mount' && break; sleep 0.2; done; mount -o loop '$work/image' '$mount'"
    sh -c "$remount"
    echo "power cut on $kind: $rounds rounds"
    crash() {
      TMPDIR="$work" "$node" --conditions=springtide-src "$root/test/crash/run.ts" --data "$mount/$1" --durability "$1" --rounds "$2" \
        --cut "$cut" --remount "$remount"
    }
    crash sync "$rounds"
    status=$?
    if [ $status = 0 ]; then
      if control=$(crash os 5 2>&1); then
        echo "power cut on $kind: the same cut under durability os lost nothing, so it is no power cut"
        status=1
      else
        echo "power cut on $kind: the same cut under durability os:$(echo "$control" | grep -m 1 '^  lost')"
      fi
    fi
    umount "$mount"
    [ $status = 0 ] || { echo "power cut on $kind: FAILED, the image is kept in $work"; return $status; }
  fi
  rm -rf "$work"
}

failed=0
run_on ext4 -q || failed=1
run_on xfs -q || failed=1
exit $failed
