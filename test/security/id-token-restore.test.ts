import assert from 'node:assert/strict'
import { copyFile, mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startUp } from '../support/installation.ts'
import { runNarwhal } from '../support/narwhal-process.ts'
import { tempDir } from '../support/temp-dir.ts'

const ISSUER = 'https://tokens.example.com'

test('OIDC-08: a backup restores the keys, and a key that was revoked since stays revoked if it is named', async () => {
  await using dir = await tempDir()
  const [data, file] = [dir.join('data'), dir.join('backup.db')]
  const start = (at = data) => startUp({ data: at, oidcIssuer: ISSUER })
  const keysOf = async (narwhal: Awaited<ReturnType<typeof start>>) =>
    (await narwhal.client.getIdTokens()).keys.map(({ kid, state }) => [kid, state] as const)
  const kid = await (async () => {
    await using narwhal = await start()
    const [key] = await eventually(async () => {
      const { keys } = await narwhal.client.getIdTokens()
      return keys.length > 0 ? keys : null
    })
    assert.equal((await runNarwhal(['backup', file, '--data', data])).code, 0)
    await narwhal.client.rotateIdTokenKeys(true)
    return key?.kid ?? ''
  })()

  const restore = async (folder: string, ...more: string[]) => {
    await mkdir(dir.join(folder), { mode: 0o700 })
    await copyFile(`${data}/sealing-keys`, dir.join(folder, 'sealing-keys'))
    const ran = await runNarwhal(['restore', file, '--data', dir.join(folder), ...more])
    assert.equal(ran.code, 0, ran.said)
    return ran.said
  }
  await restore('plain')
  await (async () => {
    await using narwhal = await start(dir.join('plain'))
    assert.deepEqual(await keysOf(narwhal), [[kid, 'signing']])
  })()

  const said = await restore('retired', '--retire', kid)
  assert.ok(said.includes(`Key ${kid} is retired.`), said)
  await using narwhal = await start(dir.join('retired'))
  const keys = await eventually(async () => {
    const all = await keysOf(narwhal)
    return all.length === 2 ? all : null
  })
  assert.deepEqual(
    keys.map(([, state]) => state),
    ['gone', 'signing'],
  )
  assert.equal(keys[0]?.[0], kid)
})
