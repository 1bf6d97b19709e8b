import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NamespaceFacts, namespaceTrouble } from './outer-namespace.ts'
import { parseSubordinateIds } from './subordinate-ids.ts'

const RANGE = { first: 100_000, count: 65_536 }
const WELL: NamespaceFacts = {
  user: 'ci',
  ids: { users: RANGE, groups: RANGE },
  hasMapPrograms: true,
  mostNamespaces: '96365',
  unprivilegedClone: '',
  restrictedByAppArmor: '',
  failure: 'unshare: unshare failed: Invalid argument',
}

const TROUBLES: readonly (readonly [what: string, facts: Partial<NamespaceFacts>, said: RegExp])[] =
  [
    ['namespaces are off', { mostNamespaces: '0' }, /sysctl -w user\.max_user_namespaces=15000$/],
    [
      'only root may make them',
      { unprivilegedClone: '0' },
      /sysctl -w kernel\.unprivileged_userns_clone=1$/,
    ],
    ['the programs are missing', { hasMapPrograms: false }, /apt-get install uidmap/],
    ['there are no ids', { ids: undefined }, /usermod --add-subuids 100000-165535 .* ci$/],
    ['AppArmor restricts them', { restrictedByAppArmor: '1' }, /apparmor_restrict.*userns,/],
    ['unshare is old', { failure: "unshare: unrecognized option '--map-users=1,1,1'" }, /2\.38/],
    ['it is something else', {}, /: unshare: unshare failed: Invalid argument$/],
  ]

test('says what an ordinary user lacks, and what provides it', () => {
  const said = TROUBLES.map(([what, facts, words]) => {
    const sentence = namespaceTrouble({ ...WELL, ...facts })
    assert.match(sentence, words, what)
    return sentence
  })
  assert.equal(new Set(said).size, TROUBLES.length, 'each its own')
})

test('finds the subordinate ids of a user by name and by number', () => {
  const file = 'other:100000:65536\nci:165536:65536\n1001:300000:1000\nci:broken:1\n# ci:1:1\n'
  assert.deepEqual(parseSubordinateIds(file, ['ci', '1001']), [
    { first: 165_536, count: 65_536 },
    { first: 300_000, count: 1_000 },
  ])
  assert.deepEqual(parseSubordinateIds('', ['ci']), [])
})
