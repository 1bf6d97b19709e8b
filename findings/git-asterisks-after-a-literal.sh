#!/bin/sh
# git 2.39.5 (Debian 12, 1:2.39.5-0+deb12u3): `foo**/bar` in .gitignore ignores `foobar` and `foox/y/bar`.
#
# Guess: two asterisks that are not between slashes are "regular asterisks" (gitignore(5)), so it is foo*/bar:
# the file `bar` in folders that begin with foo, and no more. But git compares the literal beginning of a
# pattern by itself and gives its matcher only what follows: there `**/bar` stands at the start, where `**/`
# means any folders, also none. .gitattributes and pathspecs with :(glob) do the same. A star in the beginning
# (`f*o**/bar`) moves the border and gives the documented meaning.
# What helps: never to write `**` beside anything but slashes; whoever copies git's rules should ask git.
# Needs Debian 12 with apt-get, for the package of git.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq git=1:2.39.5-0+deb12u3 >/dev/null
dpkg-deb -x git_*.deb root
git() { GIT_EXEC_PATH="$dir/root/usr/lib/git-core" "$dir/root/usr/bin/git" "$@"; }
git --version
git init -q repository
cd repository
seen() {
  printf '%s\n' "$1" >.gitignore
  for path in foobar foo/bar foox/bar foox/y/bar fooxbar; do
    if git check-ignore -q --no-index "$path"; then printf '%s ' "$path"; fi
  done
}
literal=$(seen 'foo**/bar')
wild=$(seen 'f*o**/bar')
echo "foo**/bar ignores:  $literal"
echo "f*o**/bar ignores:  $wild"
test "$literal" = 'foobar foo/bar foox/bar foox/y/bar '
test "$wild" = 'foo/bar foox/bar '
echo 'as found'
