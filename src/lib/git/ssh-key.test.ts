import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { exists } from '../exists.ts'
import { openIdentity } from './ssh-identity.ts'
import { makeSshKey } from './ssh-key.ts'

const run = promisify(execFile)

test('ssh reads a key that was made here, and its files are for this user and gone afterwards', async () => {
  for (const comment of ['narwhal team/app', 'x', '']) {
    const { privateKey, publicKey } = makeSshKey(comment)
    const identity = await openIdentity({
      privateKey,
      knownHosts: 'example.com ssh-ed25519 AAAA\n',
    })
    const file = identity.options.find((one) => one.startsWith('-oIdentityFile='))?.slice(15) ?? ''
    const { stdout } = await run('ssh-keygen', ['-y', '-f', file])
    assert.equal(stdout.trim(), publicKey.trim())
    assert.ok(identity.options.includes('-oStrictHostKeyChecking=yes'))
    await identity[Symbol.asyncDispose]()
    assert.equal(await exists(file), false)
  }
})
