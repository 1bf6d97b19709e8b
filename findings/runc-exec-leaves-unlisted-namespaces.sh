#!/bin/sh
# runc 1.1.5 and crun 1.8.1 (Debian 12): a container that was started inside a network namespace which its
# configuration doesn't list runs in it with both; a command that is added by `exec` does so with crun only, and
# with runc is in the caller's network, without a word.
#
# Guess: `exec` enters the namespaces of the container's first process, and one configuration means the same to both
# runtimes. runc enters those that the configuration names; all others are the caller's own.
# What helps: to list every namespace, with its path; or to call `exec` from inside the same ones as `run`.
# Needs root, and Debian 12 with apt-get, for the packages.
set -eu
dir=$(mktemp -d)
space=finding-$$
cleanup() {
  ip netns del "$space" 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"
apt-get download -qq crun=1.8.1-1+deb12u1 runc=1.1.5+ds1-1+deb12u1 libyajl2=2.1.0-3+deb12u2 \
  busybox-static=1:1.35.0-4+deb12u1+b1 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done
export PATH="$dir/root/usr/bin:$dir/root/usr/sbin:$dir/root/bin:$PATH" LD_LIBRARY_PATH="$dir/root/usr/lib/x86_64-linux-gnu"
crun --version | head -n 1
runc --version | head -n 1
mkdir -p rootfs/bin rootfs/proc rootfs/dev
cp root/bin/busybox rootfs/bin/
for name in sleep readlink; do ln -s busybox "rootfs/bin/$name"; done
cat >config.json <<'JSON'
{
  "ociVersion": "1.0.0",
  "root": { "path": "rootfs" },
  "process": {
    "user": { "uid": 0, "gid": 0 }, "cwd": "/", "env": ["PATH=/bin"],
    "args": ["/bin/sleep", "60"],
    "capabilities": { "bounding": ["CAP_SYS_PTRACE"], "effective": ["CAP_SYS_PTRACE"], "permitted": ["CAP_SYS_PTRACE"] }
  },
  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
  "linux": { "namespaces": [{ "type": "pid" }, { "type": "mount" }] }
}
JSON
ip netns add "$space"
# In a mount namespace of its own; crun takes no hybrid of the two kinds of control groups.
cat >try.sh <<'SH'
[ ! -d /sys/fs/cgroup/unified ] || mount -t tmpfs none /sys/fs/cgroup/unified
for runtime in crun runc; do
  state="$PWD/state-$runtime"
  nsenter --net="/run/netns/$2" "$runtime" --root "$state" run --detach one </dev/null >/dev/null 2>&1
  readlink /proc/self/ns/net >"$runtime-machine"
  "$runtime" --root "$state" exec one /bin/readlink /proc/1/ns/net >"$runtime-first"
  "$runtime" --root "$state" exec one /bin/readlink /proc/self/ns/net >"$runtime-exec"
  "$runtime" --root "$state" delete --force one
done
SH
unshare --mount sh -eu try.sh - "$space"
for runtime in crun runc; do
  echo "$runtime: the first process is in $(cat $runtime-first), exec in $(cat $runtime-exec), the caller in $(cat $runtime-machine)"
  test "$(cat $runtime-first)" != "$(cat $runtime-machine)"
done
test "$(cat crun-exec)" = "$(cat crun-first)"
test "$(cat runc-exec)" = "$(cat runc-machine)"
echo 'as found'
