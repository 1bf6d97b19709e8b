import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { type Identity, IdentityFile } from './identity.ts'

const far: Identity = {
  dispatchers: ['http://one'],
  runnerId: 'runner_1',
  name: 'far',
  secret: 'narwhal_runner_x',
}

test('keeps an identity where only its user can read it', async () => {
  await using dir = await tempDir()
  const file = new IdentityFile(dir.path)
  assert.equal(await file.find(['http://one']), undefined)
  await file.save(far)
  assert.equal((await stat(dir.join('identity.json'))).mode & 0o777, 0o600)
  assert.deepEqual(await new IdentityFile(dir.path).find(['http://one']), far)
  await file.forget(far)
  assert.equal(await file.find(['http://one']), undefined)
})

test('shows an installation the identity that it gave, and no other', async () => {
  await using dir = await tempDir()
  const file = new IdentityFile(dir.path)
  const near = { ...far, dispatchers: ['http://other'], secret: 'narwhal_runner_y' }
  await file.save(far)
  await file.save(near)
  assert.deepEqual(await file.find(['http://other']), near)
  assert.deepEqual(await file.find(['http://one']), far)
  assert.equal(await file.find(['http://elsewhere']), undefined)
  const anew = { ...far, runnerId: 'runner_2', secret: 'narwhal_runner_z' }
  await file.save(anew)
  assert.deepEqual(await file.find(['http://one']), anew)
})

test('knows an installation again when it gets further URLs', async () => {
  await using dir = await tempDir()
  const file = new IdentityFile(dir.path)
  await file.save(far)
  assert.equal((await file.find(['http://one', 'http://two']))?.secret, far.secret)
  assert.equal((await file.find(['http://two']))?.secret, far.secret)
})

test('refuses a file that is none, and says what to do', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('identity.json'), '{"installations": [{}]}')
  const finding = new IdentityFile(dir.path).find(['http://one'])
  await assert.rejects(finding, { code: 'invalid', message: /identity\.json.*join again/s })
})
