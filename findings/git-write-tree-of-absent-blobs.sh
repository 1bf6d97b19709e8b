#!/bin/sh
# git 2.39.5 (Debian 12, 1:2.39.5-0+deb12u3): git write-tree writes the tree of an index whose files are not in the
# repository, as long as nothing in their folder has changed in the index.
#
# Guess: it checks that every object exists: the manual says that it "ensures that the objects referenced by the
# directory exist in the object database" unless --missing-ok is given. But a folder that the index has cached a tree
# for is taken as it is, and only that tree is looked up. Whether a missing file is noticed so depends on whether
# another file beside it was staged.
# What helps: to look for the files oneself (git rev-list --objects --missing=print) before such a tree is packed.
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
mkdir docs src
echo one > docs/one
echo two > src/two
git add .
git -c user.name=Ada -c user.email=ada@example.com commit -q -m first
blob=$(git rev-parse HEAD:docs/one)
rm ".git/objects/$(echo "$blob" | cut -c1-2)/$(echo "$blob" | cut -c3-)"
echo "docs/one is absent: $(git cat-file -e "$blob" 2>/dev/null && echo no || echo yes)"
tree=$(git write-tree)
echo "write-tree: $tree"
test "$tree" = "$(git rev-parse 'HEAD^{tree}')"
echo more > src/more
git add src/more
echo "write-tree after a file in src was staged: $(git write-tree)"
echo more > docs/more
git add docs/more
if git write-tree 2> error; then echo 'write-tree noticed nothing'; exit 1; fi
echo "write-tree after a file in docs was staged: $(head -n 1 error)"
grep -q 'invalid object' error
