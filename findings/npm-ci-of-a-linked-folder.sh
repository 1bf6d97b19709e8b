#!/bin/sh
# npm 9.9.4, 10.9.4 and 11.6.2: `npm ci` in a project whose node_modules is a symbolic link empties the folder
# that the link leads to, then replaces the link by a folder of its own.
#
# Guess: as `rm -rf node_modules` does, `npm ci` removes the link (its documentation: "if a node_modules is
# already present, it will be automatically removed"), or installs through it. It removes all that is in the
# other folder, and then does not use it: a cache that several checkouts share by links is gone, and so is
# whatever else was there.
# What helps: to mount the folder, or to copy with hard links (`cp -al`), instead of linking to it.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for version in 9.9.4 10.9.4 11.6.2; do
  mkdir -p "$version/shared" "$version/project"
  echo kept >"$version/shared/file"
  ln -s ../shared "$version/project/node_modules"
  cd "$version/project"
  printf '{"name":"try","version":"1.0.0","dependencies":{"is-number":"7.0.0"}}\n' >package.json
  npx --yes "npm@$version" install --silent --no-audit --no-fund --ignore-scripts --package-lock-only
  test -e ../shared/file
  npx --yes "npm@$version" ci --silent --no-audit --no-fund --ignore-scripts
  cd "$dir"
  left=$(ls "$version/shared")
  kind=folder
  if [ -h "$version/project/node_modules" ]; then kind=link; fi
  echo "npm $version: in the shared folder is left: ${left:-nothing}; node_modules is a $kind"
  test "$left, $kind" = ', folder'
  test -e "$version/project/node_modules/is-number/package.json"
done
echo 'as found'
