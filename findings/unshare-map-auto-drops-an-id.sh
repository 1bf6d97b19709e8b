#!/bin/sh
# util-linux 2.38.1 (Debian 12): `unshare --map-auto --map-root-user` gives a user namespace one id less than the
# range of the user has, and not the one that is mapped to root.
#
# Guess: of a range of 65,536 subordinate ids all are there, as 1 to 65,536 beside root: root's own id comes from
# outside the range. They are 1 to 65,535: room for root is cut out of the range, and the id behind it lost.
# `--map-users 100000,1,65536`, which says the same by hand, gives all. A container that is to map 65,536 ids
# into the first namespace fails to start, with "Operation not permitted"; in the second it starts.
# What helps: to read /proc/self/uid_map inside rather than /etc/subuid.
# Needs root, and Debian 12 with apt-get, for the packages.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq util-linux=2.38.1-5+deb12u3 uidmap=1:4.13+dfsg1-1+deb12u2 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" root; done
export PATH="$dir/root/usr/bin:$PATH"
unshare --version
echo "$(id -un):100000:65536" >range
cat >try.sh <<'SH'
mount --bind range /etc/subuid
mount --bind range /etc/subgid
try() { unshare --user "$@" awk '{ print "from", $1, "count", $3 }' /proc/self/uid_map; }
echo 'automatic, with root'
try --map-auto --map-root-user
echo 'by hand, with root'
try --map-root-user --map-users=100000,1,65536 --map-groups=100000,1,65536
echo 'automatic'
try --map-auto
SH
unshare --mount sh -eu try.sh | tee found
cat >wanted <<'WANTED'
automatic, with root
from 0 count 1
from 1 count 65535
by hand, with root
from 0 count 1
from 1 count 65536
automatic
from 0 count 65536
WANTED
cmp found wanted
echo 'as found'
