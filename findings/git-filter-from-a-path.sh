#!/bin/sh
# git 2.39.5 (Debian 12, 1:2.39.5-0+deb12u3): `git fetch --filter=tree:0 /absolute/path` into a new repository
# fails with "bad tree object"; with file:// before the same path it works.
#
# Guess: a path and its file:// URL are the same remote, as without --filter (`git clone` warns that it ignores
# filters for a path; fetch speaks its protocol with both). A fetch with a filter notes where the rest can be had, under the
# URL as a name. Names that begin with "/" are refused for that, with a warning only; the filtered
# objects come, nobody is there to ask for the rest, and the check after the fetch finds trees missing.
# What helps: file:// and the path.
# Needs Debian 12 with apt-get, for the package of git.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq git=1:2.39.5-0+deb12u3 >/dev/null
dpkg-deb -x git_*.deb root
export GIT_EXEC_PATH="$dir/root/usr/lib/git-core" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export PATH="$dir/root/usr/bin:$dir/root/usr/lib/git-core:$PATH"
git --version
git init -q -b main origin
one() { git -C origin -c user.name=Ada -c user.email=ada@example.com commit -q --allow-empty -m "$1"; }
echo text >origin/file
git -C origin add file
one first
git -C origin config uploadpack.allowFilter true
fetched() {
  git init -q --bare "$1"
  if git -C "$1" fetch -q --filter=tree:0 "$2" '+refs/heads/*:refs/heads/*' 2>"$1.said"; then echo fetched; else echo failed; fi
}
path=$(fetched by-path "$dir/origin")
url=$(fetched by-url "file://$dir/origin")
sed "s#$dir#DIR#g" by-path.said
echo "by its path: $path; by file://: $url"
test "$path, $url" = 'failed, fetched'
grep -q "promisor remote name cannot begin with '/'" by-path.said
grep -q 'bad tree object' by-path.said
echo 'as found'
