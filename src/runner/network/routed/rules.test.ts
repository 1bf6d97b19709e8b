import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RuleFacts, ruleText } from './rules.ts'

const FACTS: RuleFacts = {
  id: 'abcdef',
  jobRanges: ['10.64.0.0/22', 'fd12:3456:789a:1::/64'],
  resolvers: { own: '10.64.0.1', strangers: '10.64.0.2' },
  denyPrivate: false,
  alsoPrivate: [],
  holes: [],
  ownAddresses: [],
  guards: [],
}

/** The rules of a chain, without the lines around them. */
function chain(facts: Partial<RuleFacts>, name: string): readonly string[] {
  const text = ruleText({ ...FACTS, ...facts })
  const [, body = ''] =
    new RegExp(`\\n {2}chain ${name} \\{\\n(.*?)\\n {2}\\}`, 's').exec(text) ?? []
  return body.split('\n').map((line) => line.trim())
}

function elements(facts: Partial<RuleFacts>, name: string): readonly string[] {
  const text = ruleText({ ...FACTS, ...facts })
  const [, body = ''] = new RegExp(`set ${name} \\{(.*?)\\n {2}\\}`, 's').exec(text) ?? []
  return /elements = \{ (.*) \}/.exec(body)?.[1]?.split(', ') ?? []
}

test('replaces a previous table atomically', () => {
  assert.match(ruleText(FACTS), /^table inet narwhal_abcdef\ndelete table inet narwhal_abcdef\n/)
})

test('closes private ranges to strangers, and to all jobs if configured', () => {
  assert.ok(chain({}, 'strangers').includes('goto private'))
  assert.ok(!chain({}, 'own').includes('goto private'))
  assert.ok(chain({ denyPrivate: true }, 'own').includes('goto private'))
})

test('first accepts the resolver, for the right jobs only', () => {
  const rule = (address: string) =>
    `ip daddr ${address} meta l4proto { tcp, udp } th dport 53 accept`
  assert.equal(chain({}, 'own')[0], rule('10.64.0.1'))
  assert.equal(chain({}, 'strangers')[0], rule('10.64.0.2'))
})

test('closes the machine, link-local addresses and other jobs to all jobs, before any hole', () => {
  const machine = chain({}, 'machine')
  assert.ok(machine.some((rule) => /^fib daddr type \{ local, .*\} goto refused$/.test(rule)))
  for (const set of [
    'ip daddr @jobs4',
    'ip6 daddr @jobs6',
    'ip daddr @closed4',
    'ip6 daddr @closed6',
  ]) {
    assert.ok(machine.includes(`${set} goto refused`), set)
  }
  assert.equal(machine.filter((rule) => rule.includes('holes')).length, 0)
  for (const range of ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4']) {
    assert.ok(elements({}, 'closed4').includes(range), range)
  }
  for (const range of ['fe80::/10', '::ffff:0:0/96', 'ff00::/8', '64:ff9b::a9fe:0/112']) {
    assert.ok(elements({}, 'closed6').includes(range), range)
  }
})

test("closes the machine's addresses in their IPv6 notations", () => {
  const closed = elements({ ownAddresses: ['203.0.113.1'] }, 'closed6')
  assert.ok(closed.includes('64:ff9b::cb00:7101'))
  assert.ok(closed.includes('2002:cb00:7101::/48'))
})

test('opens the holes by address and port, each in its family', () => {
  const holes = [
    { address: '10.1.2.3', port: 443 },
    { address: 'fd00::5', port: 8080 },
  ]
  assert.deepEqual(elements({ holes }, 'holes4'), ['10.1.2.3 . 443'])
  assert.deepEqual(elements({ holes }, 'holes6'), ['fd00::5 . 8080'])
  assert.deepEqual(elements({}, 'holes4'), [])
  const rules = chain({ holes }, 'private')
  assert.ok(
    rules.indexOf('ip daddr . th dport @holes4 accept') <
      rules.indexOf('ip daddr @private4 goto refused'),
  )
})

test('adds the ranges that the operator calls private', () => {
  assert.ok(elements({ alsoPrivate: ['9.0.0.0/8'] }, 'private4').includes('9.0.0.0/8'))
  assert.ok(elements({ alsoPrivate: ['2001:db8::/32'] }, 'private6').includes('2001:db8::/32'))
})

test('makes a guarded interface forward for jobs only, in its family only', () => {
  const guards = [{ family: 'ipv4', interface: 'eth0' }] as const
  assert.ok(
    chain({ guards }, 'forwarding').includes(
      'meta nfproto ipv4 iifname "eth0" oifname != "nw*" drop',
    ),
  )
  assert.ok(!chain({}, 'forwarding').some((rule) => rule.includes('eth0')))
})
