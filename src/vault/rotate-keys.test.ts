import assert from 'node:assert/strict'
import { copyFile, readFile, rm } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { insertRepository, openTestStore } from '#root/test/support/test-store.ts'
import { TESTER } from '../../test/support/tester.ts'
import type { RepositoryId } from '../core/ids.ts'
import type { Store } from '../store/store.ts'
import { ensureIdTokenKeys, idTokenKeyPlace } from './id-token-keys.ts'
import { addKey, rotateKeys } from './rotate-keys.ts'
import { secretPlace, setSecret } from './secret-values.ts'
import { Vault } from './vault.ts'
import { openWebhookSecrets, sealWebhookSecrets, webhookSecretPlace } from './webhook-secrets.ts'

async function openWorld() {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const store = stack.use(await openTestStore())
  const path = dir.join('keys')
  const vault = await Vault.open(store, path)
  const { id: repositoryId } = await insertRepository(store, 'https://git.example.test/a.git')
  await sealWebhookSecrets(store, vault)
  await store.transact(async (write) => {
    for (let i = 0; i < 450; i++) {
      const name = `KEY_${i}`
      const sealed = await vault.seal(write, `value ${i}`, secretPlace({ name }))
      await write.secrets.save({ name, sealed, createdAt: 1, updatedAt: 1 })
    }
  })
  await ensureIdTokenKeys({ store, vault })
  const { formerSecret } = await renewWebhookSecret({ store, vault, repositoryId })
  assert.ok(formerSecret)
  await setSecret({ store, vault }, { repositoryId, name: 'OWN', value: 'its own', by: TESTER })
  const owned = stack.move()
  const dispose = () => owned.disposeAsync()
  return { store, path, vault, repositoryId, dir, [Symbol.asyncDispose]: dispose }
}

/** Makes `another` the webhook's secret, beside which `secret` stays valid. */
async function renewWebhookSecret({
  store,
  vault,
  repositoryId,
}: {
  readonly store: Store
  readonly vault: Vault
  readonly repositoryId: RepositoryId
}) {
  await store.transact(async (write) => {
    const sealed = await vault.seal(write, 'another', webhookSecretPlace(repositoryId))
    await write.repositories.replaceWebhookSecret(repositoryId, sealed, Date.now() + 600_000)
  })
  const repository = await store.repositories.find(repositoryId)
  assert.ok(repository)
  return repository
}

async function keysInUse(store: Store): Promise<Set<string>> {
  const secrets = await store.secrets.list()
  return new Set(secrets.map(({ sealed }) => sealed.split(':')[2] ?? ''))
}

test('everything is sealed under a new key, and can be opened by who had the former', async () => {
  await using world = await openWorld()
  const { store, path, vault, repositoryId } = world
  const former = await store.sealing.findKey()
  const values = async (by: Vault): Promise<string[]> =>
    (await store.secrets.list()).map((one) => by.open(one.sealed, secretPlace(one)))
  const before = await values(vault)
  const { keyId, sealed, forgotten } = await rotateKeys(store, path, { by: TESTER })
  assert.deepEqual([sealed, forgotten], [454, 0])
  assert.notEqual(keyId, former)
  assert.equal(await store.sealing.findKey(), keyId)
  assert.deepEqual(await keysInUse(store), new Set([keyId]))
  // A process that runs all along finds the new key in the file, and seals by it.
  assert.deepEqual(await values(vault), before)
  await setSecret({ store, vault }, { name: 'NEW', value: 'a new one', by: TESTER })
  assert.deepEqual(await keysInUse(store), new Set([keyId]))
  const again = await Vault.open(store, path)
  assert.equal((await values(again)).length, 451)
  const [key] = await store.idTokens.listKeys()
  assert.ok(key)
  assert.match(again.open(key.sealed, idTokenKeyPlace(key.kid)), /PRIVATE KEY/)
  const repository = await store.repositories.find(repositoryId)
  assert.ok(repository)
  const secrets = openWebhookSecrets(again, repository, Date.now())
  assert.deepEqual(secrets, { present: 'another', former: 'secret' })
  assert.equal((await readFile(path, 'utf8')).match(/^narwhal-key/gm)?.length, 1)
})

test('a rotation that was broken off, or prepared, is gone on with', async () => {
  await using world = await openWorld()
  const { store, path, dir } = world
  const keyId = addKey(path)
  await copyFile(path, dir.join('copy'))
  // Broken off: the key is in use, and some values are sealed by it.
  await store.transact(async (write) => {
    await write.sealing.setKey(keyId)
    for (const value of await write.sealing.listOtherwise(keyId, 10)) {
      if (value.kind === 'secret') await write.sealing.replace({ ...value, sealed: 'other' }, 'x')
    }
  })
  const unfinished = await Vault.open(store, path)
  for (const one of await store.secrets.list()) unfinished.open(one.sealed, secretPlace(one))
  const rotation = await rotateKeys(store, path, { by: TESTER })
  assert.deepEqual(await keysInUse(store), new Set([rotation.keyId]))
  assert.equal(rotation.sealed, 454)
})

test('keys that are lost are said to be, and what they sealed is forgotten when asked', async () => {
  await using world = await openWorld()
  const { store, path, repositoryId } = world
  await rm(path)
  await assert.rejects(rotateKeys(store, path, { by: TESTER }), {
    code: 'invalid',
    message: /not in .*--lost/,
  })
  const { sealed, forgotten } = await rotateKeys(store, path, { by: TESTER, isLost: true })
  assert.deepEqual([sealed, forgotten], [0, 454])
  assert.deepEqual(await store.secrets.list(), [])
  const [key] = await store.idTokens.listKeys()
  assert.deepEqual([key?.sealed, key?.leavesAt], ['', 0])
  const repository = await store.repositories.find(repositoryId)
  assert.deepEqual([repository?.webhookSecret, repository?.formerSecret], ['', undefined])
  await Vault.open(store, path)
})
