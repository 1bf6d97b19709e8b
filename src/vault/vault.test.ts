import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { insertRepository, openTestStore } from '#root/test/support/test-store.ts'
import { createKeyFile } from './key-file.ts'
import { isSealed } from './keyring.ts'
import { Vault } from './vault.ts'
import { openWebhookSecret, sealWebhookSecrets } from './webhook-secrets.ts'

test('a database is opened by the keys that it was sealed by, and no others', async () => {
  await using dir = await tempDir()
  await using store = await openTestStore()
  const path = dir.join('keys')
  const place = ['secret', 'x'] as const
  const vault = await Vault.open(store, path)
  const { result } = await store.transact((write) => vault.seal(write, 'a value', place))
  const again = await Vault.open(store, path)
  assert.equal(again.open(result, place), 'a value')

  createKeyFile(dir.join('other'))
  const used = await store.sealing.findKey()
  await assert.rejects(Vault.open(store, dir.join('other')), {
    code: 'invalid',
    message: new RegExp(`sealed by key ${used}, which is not in ${dir.join('other')}`),
  })
  await rm(path)
  await assert.rejects(Vault.open(store, path), {
    code: 'invalid',
    message: new RegExp(
      `there is no ${path}, but the database's secrets are sealed.*--sealing-keys`,
    ),
  })
})

test('webhook secrets in clear are sealed at the start, and stay what they are', async () => {
  await using store = await openTestStore()
  const { id } = await insertRepository(store, 'https://git.example.test/a/b.git')
  const vault = await Vault.openInMemory(store)
  const clear = await store.repositories.find(id)
  assert.ok(clear)
  assert.equal(openWebhookSecret(vault, clear), 'secret')
  assert.equal(await sealWebhookSecrets(store, vault), 1)
  assert.equal(await sealWebhookSecrets(store, vault), 0)
  const sealed = await store.repositories.find(id)
  assert.ok(sealed && isSealed(sealed.webhookSecret))
  assert.equal(openWebhookSecret(vault, sealed), 'secret')
  const elsewhere = { ...sealed, id: 'repo_other' } as const
  assert.throws(() => openWebhookSecret(vault, elsewhere), { code: 'internal' })
})
