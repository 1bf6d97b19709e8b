#!/bin/sh
# git 2.39.5 (Debian 12, 1:2.39.5-0+deb12u3): `git ls-remote URL 'refs/heads/*'` lists
# `refs/original/refs/heads/main` as well; so does `refs/heads/main`, without any asterisk.
#
# Guess: a pattern that begins with refs/ is a whole name, as in a refspec and in `git for-each-ref`. But
# ls-remote puts `*/` before each pattern and compares with "/" and the name: any name that ends like that
# matches. `git filter-branch` leaves refs/original/ behind, mirrors have refs/remotes/…/refs/heads/….
# Seen: two lines for one name. Who takes the first, or the last, may have another commit than he asked for.
# What helps: to compare the names of the answer with what was asked for.
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
one first
git -C origin update-ref refs/original/refs/heads/main HEAD
one second
names() { cut -f2 | tr '\n' ' '; }
listed=$(git ls-remote origin 'refs/heads/*' | names)
exact=$(git ls-remote origin refs/heads/main | names)
each=$(git -C origin for-each-ref --format='%(refname)' 'refs/heads/*' | names)
echo "ls-remote 'refs/heads/*': $listed"
echo "ls-remote refs/heads/main: $exact"
echo "for-each-ref 'refs/heads/*': $each"
test "$listed" = 'refs/heads/main refs/original/refs/heads/main '
test "$exact" = "$listed"
test "$each" = 'refs/heads/main '
echo 'as found'
