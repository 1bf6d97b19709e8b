import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { gitRepository } from '#root/test/support/git-repository.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import { exists } from '../exists.ts'
import { listRemote } from './list-remote.ts'
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

test("git over ssh shows a repository's own key, and no other", async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using dir = await tempDir()
  // In place of ssh: it notes which key it was given, and runs the command here.
  const program = `#!/bin/sh
case "$*" in "-G "*) exit 0;; esac
for one in "$@"; do
  case "$one" in -oIdentityFile=*) ssh-keygen -y -f "\${one#-oIdentityFile=}" > ${dir.join('key')};; esac
  last="$one"
done
echo "$@" > ${dir.join('args')}
eval "$last"
`
  await writeFile(dir.join('ssh'), program)
  await chmod(dir.join('ssh'), 0o755)
  const env = { ...readGitEnv(), PATH: `${dir.path}:${process.env['PATH']}` }
  const { privateKey, publicKey } = makeSshKey('narwhal:team/app')
  const clone = {
    url: `ssh://git@127.0.0.1${repository.path}`,
    local: false,
    credentials: { ssh: { privateKey, knownHosts: '' } },
  }
  const refs = await listRemote(clone, ['refs/heads/*'], { env })
  assert.equal(refs.get('refs/heads/main'), await repository.head())
  assert.equal((await readFile(dir.join('key'), 'utf8')).trim(), publicKey)
  const args = await readFile(dir.join('args'), 'utf8')
  for (const one of ['-oIdentitiesOnly=yes', '-oIdentityAgent=none']) assert.ok(args.includes(one))
  const [, file = ''] = /-oIdentityFile=(\S+)/.exec(args) ?? []
  assert.equal(await exists(file), false)
})
