import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { registryImages } from './fixtures/registry-images.fixture.ts'
import type { HoldOptions } from './images.ts'

const skip =
  (!isRoot() && 'only root can unpack without a user namespace') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')

for (const challenge of ['basic', 'bearer'] as const) {
  test(`gives a private image only to who proves the right to it, by ${challenge}`, {
    skip,
  }, async () => {
    await using at = await registryImages()
    at.registry.challenge = challenge
    at.registry.locked.set('secret', { name: 'ann', password: 'right' })
    const digest = at.push('secret:1')
    const own = { login: at.login('ann', 'right') }
    await using image = await at.hold('secret:1', own)
    assert.equal(image.digest, digest)
    const unknown = await at.hold('nothing:1').catch((error: unknown) => error)
    assert.match(
      String(unknown),
      /does not exist, or this job's login for the registry may not read it/,
    )
    const others: Partial<HoldOptions>[] = [
      {},
      { pull: 'always' },
      { isStranger: true },
      { login: at.login('ann', 'wrong') },
      { login: at.login('bob', 'right') },
    ]
    for (const name of ['secret:1', `secret@${digest}`]) {
      for (const ask of others) {
        const words = String(unknown).replace('nothing:1', name)
        await assert.rejects(
          at.hold(name, ask),
          (error) =>
            String(error).replaceAll(at.registry.host, '') ===
            words.replaceAll(at.registry.host, ''),
        )
      }
    }
    await assert.rejects(at.hold('secret:1', { pull: 'never' }), { code: 'not_found' })
  })
}

test('remembers for a while that a login may read an image', { skip }, async () => {
  await using at = await registryImages()
  at.registry.locked.set('secret', { name: 'ann', password: 'right' })
  at.push('secret:1')
  const own = { login: at.login('ann', 'right') }
  const images = at.images()
  await using first = await at.hold('secret:1', own, images)
  const asked = at.registry.requests.length
  await using again = await at.hold('secret:1', own, images)
  assert.equal(at.registry.requests.length, asked)
  await using later = await at.hold('secret:1', own)
  assert.ok(at.registry.requests.slice(asked).some((one) => one.startsWith('HEAD /v2/secret/')))
  assert.equal(new Set([first.digest, again.digest, later.digest]).size, 1)
})

test('uses the operator’s login, but not for strangers', { skip }, async () => {
  await using at = await registryImages()
  at.registry.locked.set('team/secret', { name: 'op', password: 'pass' })
  at.push('team/secret:1')
  const auth = Buffer.from('op:pass').toString('base64')
  const config = JSON.stringify({ auths: { [`https://${at.registry.host}/v1/`]: { auth } } })
  at.operatorHas(config)
  await assert.rejects(at.hold('team/secret:1', { isStranger: true }), { code: 'not_found' })
  await using image = await at.hold('team/secret:1')
  await assert.rejects(at.hold('team/secret:1', { isStranger: true }), { code: 'not_found' })
  assert.ok(image.digest)
})

test('what has no login gets none of the operator’s, also where skopeo asks the registry', {
  skip,
}, async () => {
  await using at = await registryImages()
  at.registry.locked.set('team/secret', { name: 'op', password: 'pass' })
  const digest = at.push('team/secret:1')
  const auth = Buffer.from('op:pass').toString('base64')
  at.operatorHas(JSON.stringify({ auths: { [at.registry.host]: { auth } } }))
  // No clear answer to a HEAD: then skopeo is asked.
  at.registry.interfere = ({ method }, response) => {
    if (method === 'HEAD') response.writeHead(400).end()
    return method === 'HEAD'
  }
  const wrong = at.login('ann', 'wrong')
  for (const ask of [{ isStranger: true }, { login: wrong }, { isStranger: true, login: wrong }]) {
    for (const name of ['team/secret:1', `team/secret@${digest}`]) {
      await assert.rejects(at.hold(name, ask), { code: 'not_found' })
    }
  }
  await using image = await at.hold('team/secret:1')
  assert.equal(image.digest, digest)
  assert.equal(at.store.findName(at.name('team/secret:1').full)?.isPublic, undefined)
  await assert.rejects(at.hold('team/secret:1', { isStranger: true }), { code: 'not_found' })
})

test('an operator’s login that is refused does not lock public images, a job’s own is not left out', {
  skip,
}, async () => {
  await using at = await registryImages()
  at.push('open:1')
  at.push('open:2')
  const expired = at.login('ann', 'expired')
  // So that clients are asked for a login at all.
  at.registry.locked.set('other', { name: 'bob', password: 'right' })
  at.operatorHas(expired)
  at.registry.interfere = (request, response) => {
    if (!request.headers.authorization?.startsWith('Basic ')) return false
    response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED","message":"expired"}]}')
    return true
  }
  await assert.rejects(at.hold('open:1', { login: expired }), { code: 'not_found' })
  await using image = await at.hold('open:1')
  assert.ok(image.digest)
  assert.ok(at.log.some((line) => /login for the registry of .* is refused/.test(line)))
  // The job's logins are for another registry: the operator's is used, as without them.
  const others = JSON.stringify({ auths: { 'registry.example': { username: 'a', password: 'b' } } })
  await using second = await at.hold('open:2', { login: others })
  assert.ok(second.digest)
  for (const wrong of ['ann:right', '{"registry.example": {}}', '']) {
    await assert.rejects(at.hold('open:3', { login: wrong }), {
      code: 'invalid',
      message: /registry_login.*config\.json/,
    })
  }
})
