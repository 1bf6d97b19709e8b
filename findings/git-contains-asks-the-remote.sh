#!/bin/sh
# git 2.39.5 (Debian 12, 1:2.39.5-0+deb12u3): in a partial clone `git for-each-ref --contains COMMIT`, of a commit
# that is not there, asks the remote for it, twice where it has not got it either.
#
# Guess: a question about refs and history is answered from what is there: --filter=tree:0 leaves out trees and
# files, never commits. But any object that is missing may be one that was left out, so git fetches it before it
# says "no such commit". Who asks so for ids that others send, has a connection made for each of them.
# What helps: GIT_NO_LAZY_FETCH=1 (git 2.45 and later), or before it to turn the transport off (GIT_ALLOW_PROTOCOL=none).
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
git -C origin config uploadpack.allowFilter true
git clone -q --bare --filter=tree:0 "file://$dir/origin" clone
missing=0123456789abcdef0123456789abcdef01234567
asked() { grep -c 'run_command: .*git-upload-pack' "$1" || true; }
if GIT_TRACE="$dir/trace" git -C clone for-each-ref --contains "$missing" 2>said; then exit 1; fi
if GIT_ALLOW_PROTOCOL=none GIT_TRACE="$dir/off" git -C clone for-each-ref --contains "$missing" 2>off-said; then exit 1; fi
tail -n 1 said
echo "the remote was asked $(asked trace) times; with no protocol allowed: $(asked off)"
grep -q 'no such commit' said
grep -q 'no such commit' off-said
test "$(asked trace)" = 2
test "$(asked off)" = 0
echo 'as found'
