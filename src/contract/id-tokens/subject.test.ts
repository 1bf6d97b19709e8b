import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { present } from '../../lib/present.ts'
import { LONGEST_SUBJECT, subjectIdsOf, subjectOf } from './subject.ts'

const IDS = '0m3v9k2qd8c1h5x7w4tz.1296269'
const AT = { repository: 'octocat/hello', ids: IDS, ref: 'refs/heads/main' }

test('a subject says ids beside names, and always the ref', () => {
  assert.equal(subjectOf(AT), `repo:octocat/hello:${IDS}:ref:refs/heads/main`)
  assert.equal(
    subjectOf({ ...AT, job: 'deploy' }),
    `repo:octocat/hello:${IDS}:job:deploy:ref:refs/heads/main`,
  )
  assert.equal(subjectIdsOf({ id: 'repo_0m3v9k2qd8c1h5x7w4tz', forgeId: 1_296_269 }), IDS)
  assert.equal(subjectIdsOf({ id: 'repo_0m3v9k2qd8c1h5x7w4tz' }), '0m3v9k2qd8c1h5x7w4tz')
})

test('what is too long is cut, ends in a hash of the whole, and begins as the whole does', () => {
  const ref = `refs/heads/${'x'.repeat(240)}`
  const sub = subjectOf({ ...AT, ref })
  assert.equal(Buffer.byteLength(sub), LONGEST_SUBJECT)
  assert.match(sub, /^repo:octocat\/hello:[^:]+:ref:refs\/heads\/x+~[\w-]{16}$/)
  assert.notEqual(sub, subjectOf({ ...AT, ref: `${ref}y` }))
  // This is never changed: others have written it down.
  assert.equal(
    subjectOf({ ...AT, repository: 'a-rather-long-organisation/and-its-repository', ref }),
    'repo:a-rather-long-o~VWczrkEjXhLWgrKw:0m3v9k2qd8c1h5x7w4tz.1296269:ref:refs/heads/xxxxxxxxxxxxxxxxxxxxxxxxxxxx~e9nqTLSpm2nX2ZLr',
  )
})

test('no two repositories, jobs or refs have the same subject, whatever they are called', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_.-]{1,60}(\/[A-Za-z0-9_.-]{1,60})?$/)
  const ids = fc.stringMatching(/^[0-9a-hjkmnp-tv-z]{20}(\.[1-9]\d{0,15})?$/)
  const ref = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 300 })
    .filter((text) => !/[\0-\x20\x7f~^:?*[\\]/.test(text) && text.isWellFormed()) // oxlint-disable-line no-control-regex
    .map((text) => `refs/heads/${text}`)
  const job = fc.option(fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/), { nil: undefined })
  const facts = fc.record({ repository: name, ids, ref, job })
  fc.assert(
    fc.property(facts, facts, (one, other) => {
      const [a, b] = [one, other].map(({ job: of, ...rest }) =>
        subjectOf({ ...rest, ...present({ job: of }) }),
      )
      assert.ok(Buffer.byteLength(a ?? '') <= LONGEST_SUBJECT)
      const isSame = JSON.stringify(one) === JSON.stringify(other)
      assert.equal(a === b, isSame)
      // Each part before the ref ends where it seems to end.
      const [, , second, third] = (a ?? '').split(':')
      assert.equal(second, one.ids)
      assert.equal(third, one.job === undefined ? 'ref' : 'job')
    }),
    { numRuns: 100 },
  )
})
