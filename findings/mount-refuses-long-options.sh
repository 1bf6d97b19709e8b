#!/bin/sh
# util-linux 2.41 (Debian 13), beside 2.38.1 (Debian 12): `mount -t overlay` refuses a list of lower folders of more than
# 255 bytes, which the kernel takes, and the older mount(8) too.
#
# Guess: options of a mount may have a page, 4,095 bytes, so short names (l0:l1:…) are enough for the 127 layers that an
# image may have. From 2.39 on mount(8) hands over each option by fsconfig(2), whose values end at 256 bytes.
# The error says "wrong fs type, bad option, bad superblock"; only dmesg says more.
# What helps: LIBMOUNT_FORCE_MOUNT2=always in mount's environment, which older ones ignore.
# Needs root, and Debian 12 with apt-get and mmdebstrap, for the packages.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT)' 'Created-By: Packages' |
  sed -n 's/ Debian Debian main$//p' | head -n 1)
unshare --mount --propagation private mmdebstrap --quiet --mode=root --variant=extract --include=mount \
  --aptopt='Acquire::Check-Valid-Until "false"' trixie newer "$mirror"
cat >newer-mount <<SH
#!/bin/sh
exec "$dir/newer/usr/lib64/ld-linux-x86-64.so.2" --library-path "$dir/newer/usr/lib/x86_64-linux-gnu" "$dir/newer/usr/bin/mount" "\$@"
SH
chmod +x newer-mount
mount --version
./newer-mount --version
# 60 names have 229 bytes, 70 have 269.
for name in $(seq -f l%g 0 69); do mkdir "$name"; done
mkdir upper work root
cat >try.sh <<'SH'
try() {
  count=$1
  shift
  lower=$(seq -f l%g -s : 0 $((count - 1)))
  "$@" -t overlay -o "lowerdir=$lower,upperdir=upper,workdir=work" overlay root 2>/dev/null || { echo no; return; }
  umount root
  echo yes
}
echo "older 60 $(try 60 mount)"
echo "older 70 $(try 70 mount)"
echo "newer 60 $(try 60 ./newer-mount)"
echo "newer 70 $(try 70 ./newer-mount)"
echo "newer-forced 70 $(try 70 env LIBMOUNT_FORCE_MOUNT2=always ./newer-mount)"
SH
unshare --mount sh -eu try.sh | tee found
cat >wanted <<'WANTED'
older 60 yes
older 70 yes
newer 60 yes
newer 70 no
newer-forced 70 yes
WANTED
cmp found wanted
echo 'as found'
