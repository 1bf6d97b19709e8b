import assert from 'node:assert/strict'
import { test } from 'node:test'
import { letThrough } from './let-through.ts'

const OTHER = { family: 'inet', table: 'other', name: 'forward' }
const IPTABLES = { family: 'ip', table: 'filter', name: 'FORWARD' }

test('names a rule for each table that drops, by the program that owns it', () => {
  const byNft = `nft insert rule inet other forward 'iifname "nwabcdef*" accept'; nft insert rule inet other forward 'oifname "nwabcdef*" ct state { established, related } accept'`
  const byIptables =
    'iptables -I FORWARD -i nwabcdef+ -j ACCEPT; iptables -I FORWARD -o nwabcdef+ -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
  assert.equal(letThrough('forwarded', [OTHER], 'nwabcdef'), byNft)
  assert.equal(letThrough('forwarded', [IPTABLES], 'nwabcdef'), byIptables)
  assert.equal(letThrough('forwarded', [IPTABLES, OTHER], 'nwabcdef'), `${byIptables}; ${byNft}`)
  // Rules of the old kind can't be listed.
  assert.equal(letThrough('forwarded', [], 'nwabcdef'), byIptables)
})

test('names rules for questions to the name server', () => {
  const input = { ...OTHER, name: 'input' }
  assert.equal(
    letThrough('names', [input], 'nwabcdef'),
    `nft insert rule inet other input 'iifname "nwabcdef*" meta l4proto { tcp, udp } th dport 53 accept'`,
  )
  assert.match(letThrough('names', [], 'nwabcdef'), /^iptables -I INPUT -i nwabcdef\+ -p udp /)
})
