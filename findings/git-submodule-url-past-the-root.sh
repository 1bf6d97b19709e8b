#!/bin/sh
# git 2.39.5 (Debian 12, 1:2.39.5-0+deb12u3): a relative submodule URL that goes past the root of the remote takes
# parts of the host for folders: `../../lib` at https://git.example.com/app is https://lib.
#
# Guess: `..` at the root stays at the root, as in paths and in URLs (RFC 3986, 5.2.4), or is an error. But git
# cuts the text of the remote's URL at its last slash, and where there is none at its last colon, whatever that
# belongs to: the scheme's slashes come next, and of host:path only `.` is left. Of host:/path the slash goes
# first: one step past the root names a path in the home folder of the same host.
# What helps: to resolve such URLs oneself, and stop at the host.
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
git init -q -b main app
cd app
git -c user.name=Ada -c user.email=ada@example.com commit -q --allow-empty -m first
git update-index --add --cacheinfo "160000,$(git rev-parse HEAD),lib"
resolved() {
  git config remote.origin.url "$1"
  git config --file .gitmodules submodule.lib.path lib
  git config --file .gitmodules submodule.lib.url "$2"
  git submodule --quiet init
  git config submodule.lib.url
  git config --remove-section submodule.lib
}
check() {
  url=$(resolved "$1" "$2")
  echo "$2 at $1: $url"
  test "$url" = "$3"
}
check https://git.example.com/team/app ../lib https://git.example.com/team/lib
check https://git.example.com/app ../../lib https://lib
check ssh://git@git.example.com/app ../../lib ssh://lib
check git@git.example.com:app ../../lib .:lib
check git.example.com:/app ../../lib git.example.com:lib
echo 'as found'
