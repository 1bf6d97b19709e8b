import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../../config/env.ts'
import { Hosts } from '../../../lib/reach/hosts.ts'
import { lfsEndpoint } from './lfs-endpoint.ts'

const { signal } = new AbortController()
const hosts = new Hosts({ lookUp: async () => [{ address: '10.0.0.1', family: 4 }] })

const ask = (cloneUrl: string, path: string) => {
  const env = { ...readGitEnv(), PATH: path, hosts }
  const policy = { cloneUrl, isStranger: false, hosts: [] }
  return lfsEndpoint(undefined, { cloneUrl }, { policy, env, signal })
}

test('finds the server of Git LFS beside the repository', async () => {
  const url = 'https://git.example.com/team/app'
  for (const cloneUrl of [url, `${url}/`, `${url}.git`]) {
    assert.deepEqual(await ask(cloneUrl, ''), { url: `${url}.git/info/lfs`, headers: {} })
  }
})

test('asks the host of an ssh repository for its server of Git LFS, and tells nobody the answer', async () => {
  await using dir = await tempDir()
  const path = `${dir.path}:${readGitEnv().PATH ?? ''}`
  const ssh = async (script: string): Promise<void> => {
    await writeFile(
      dir.join('ssh'),
      `#!/bin/sh\nprintf '%s\\n' "$@" > ${dir.join('args')}\n${script}\n`,
    )
    await chmod(dir.join('ssh'), 0o755)
  }
  const answer = { href: 'https://lfs.example.com/app/', header: { Authorization: 'a-secret' } }
  await ssh(`echo '${JSON.stringify(answer)}'`)
  const headers = { Authorization: 'a-secret' }
  const expected = { url: 'https://lfs.example.com/app', headers, by: 'private' }
  const argsOf = async () => (await readFile(dir.join('args'), 'utf8')).trim().split('\n').slice(3)
  assert.deepEqual(await ask("git@git.example.com:team/it's.git", path), expected)
  const pinned = (name: string) => ['-oHostName=10.0.0.1', `-oHostKeyAlias=${name}`]
  assert.deepEqual(await argsOf(), [
    ...pinned('git.example.com'),
    '--',
    'git@git.example.com',
    "git-lfs-authenticate 'team/it'\\''s.git' download",
  ])
  assert.deepEqual(await ask('ssh://git@git.example.com:2222/team/app', path), expected)
  assert.deepEqual(await argsOf(), [
    ...pinned('[git.example.com]:2222'),
    '-p',
    '2222',
    '--',
    'git@git.example.com',
    "git-lfs-authenticate '/team/app' download",
  ])
  for (const script of [
    `echo '{"href":"ext::x","header":{"Authorization":"a-secret"}}'`,
    'echo a-secret',
    'exit 255',
  ]) {
    await ssh(script)
    await assert.rejects(ask('git@git.example.com:team/app', path), (error: Error) => {
      return /gives no access to Git LFS/.test(error.message) && !/a-secret/.test(error.message)
    })
  }
})
