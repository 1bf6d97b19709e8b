#!/bin/sh
# runc 1.1.5 (Debian 12), beside crun 1.8.1: `runc run` in the foreground puts pipes of its own between a container
# and the caller's. Standard output and error that are one pipe outside are two inside.
#
# Guess: without a terminal a container has the streams that the runtime was started with, as a program has those of
# its shell. With crun it has; with `runc run` the order between both streams is lost, which `2>&1` is there to keep,
# and another user of the container can't open /dev/stdout, since the pipes are not his.
# What helps: `runc run --detach`, which hands the streams over, and to wait for the first process oneself.
# Needs root, and Debian 12 with apt-get, for the packages.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq crun=1.8.1-1+deb12u1 runc=1.1.5+ds1-1+deb12u1 libyajl2=2.1.0-3+deb12u2 \
  busybox-static=1:1.35.0-4+deb12u1+b1 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done
export PATH="$dir/root/usr/bin:$dir/root/usr/sbin:$dir/root/bin:$PATH" LD_LIBRARY_PATH="$dir/root/usr/lib/x86_64-linux-gnu"
crun --version | head -n 1
runc --version | head -n 1
mkdir -p rootfs/bin rootfs/proc rootfs/dev
cp root/bin/busybox rootfs/bin/
for name in sh readlink; do ln -s busybox "rootfs/bin/$name"; done
cat >config.json <<'JSON'
{
  "ociVersion": "1.0.0",
  "root": { "path": "rootfs" },
  "process": {
    "user": { "uid": 0, "gid": 0 }, "cwd": "/", "env": ["PATH=/bin"],
    "args": ["/bin/sh", "-c", "for stream in 1 2; do /bin/readlink /proc/$$/fd/$stream; done"]
  },
  "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
  "linux": { "namespaces": [{ "type": "pid" }, { "type": "mount" }] }
}
JSON
# In a mount namespace of its own; crun takes no hybrid of the two kinds of control groups.
cat >try.sh <<'SH'
[ ! -d /sys/fs/cgroup/unified ] || mount -t tmpfs none /sys/fs/cgroup/unified
streams() { "$@" 2>&1 </dev/null | sort -u | wc -l; }
streams crun --root "$PWD/state-crun" run one >crun-run
streams runc --root "$PWD/state-runc" run one >runc-run
streams runc --root "$PWD/state-runc" run --detach two >runc-detached
SH
unshare --mount sh -eu try.sh
echo "of one pipe outside there are inside: crun $(cat crun-run), runc $(cat runc-run), runc --detach $(cat runc-detached)"
test "$(cat crun-run)" = 1
test "$(cat runc-run)" = 2
test "$(cat runc-detached)" = 1
echo 'as found'
