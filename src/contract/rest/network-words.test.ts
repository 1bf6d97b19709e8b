import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JobNetworkRules, soundNetwork } from '../../core/job-network.ts'
import { networkInBrief, networkInWords } from './network-words.ts'

const usual: JobNetworkRules = { kind: 'rules', deniesPrivate: false, holes: [], alsoPrivate: [] }

test('says what the jobs of a runner reach, with the settings that change it', () => {
  const denied = {
    ...usual,
    deniesPrivate: true,
    holes: ['git.internal:443'],
    alsoPrivate: ['9.0.0.0/8'],
  }
  const said = {
    'Private networks are open to jobs, except strangers’.': usual,
    'Private networks are closed to all jobs (--private-networks deny), except for git.internal:443 (--reach). Also private here: 9.0.0.0/8 (--also-private).':
      denied,
  }
  for (const [words, rules] of Object.entries(said)) assert.equal(networkInWords(rules), words)
  assert.match(
    networkInWords({ ...usual, kind: 'host' }),
    /nothing closed \(--sandbox-network host/,
  )
  assert.match(networkInWords({ ...denied, kind: 'user' }), /requires a runner that is root/)
  assert.equal(networkInBrief(denied), 'private closed, but git.internal:443')
})

test('keeps of what a runner tells no more than a page shows', () => {
  const told = { ...usual, kind: 'rules', holes: Array<string>(1000).fill('x'.repeat(1000)) }
  const sound = soundNetwork(told)
  assert.deepEqual([sound?.holes.length, sound?.holes[0]?.length], [50, 260])
  assert.equal(soundNetwork({ ...told, kind: 'odd' }), undefined)
  assert.equal(soundNetwork(undefined), undefined)
})
