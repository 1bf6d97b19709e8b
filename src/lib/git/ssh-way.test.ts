import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { changingHosts } from '#root/test/support/changing-hosts.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readGitEnv } from '../../config/env.ts'
import { sshPlace } from './ssh-place.ts'
import { sshWay } from './ssh-way.ts'

/** The way to a URL with this ssh configuration of the user. */
async function wayOf(url: string, said: readonly string[]) {
  await using dir = await tempDir()
  await writeFile(dir.join('ssh'), `#!/bin/sh\ncat <<'END'\n${said.join('\n')}\nEND\n`)
  await chmod(dir.join('ssh'), 0o755)
  const { hosts, asked } = changingHosts(['10.0.0.1'])
  const env = { ...readGitEnv(), PATH: `${dir.path}:${readGitEnv().PATH ?? ''}`, hosts }
  return { options: await sshWay(sshPlace(url), { env }), asked }
}

test("ssh gets the address, and checks the host's key under its name", async () => {
  assert.deepEqual(await wayOf('git@git.example:a', ['hostname git.example', 'port 22']), {
    options: ['-oHostName=10.0.0.1', '-oHostKeyAlias=git.example'],
    asked: ['git.example'],
  })
  const { options } = await wayOf('ssh://git@git.example:2222/a', [
    'hostname git.example',
    'port 2222',
  ])
  assert.equal(options[1], '-oHostKeyAlias=[git.example]:2222')
})

test('an alias in the ssh configuration is looked up by its HostName', async () => {
  const { options, asked } = await wayOf('git@work:a', ['hostname git.example', 'port 22'])
  assert.deepEqual(asked, ['git.example'])
  assert.equal(options[1], '-oHostKeyAlias=git.example')
  const named = await wayOf('git@work:a', ['hostname git.example', 'hostkeyalias work'])
  assert.deepEqual(named.options, ['-oHostName=10.0.0.1'])
})

test('with a proxy in the ssh configuration, the proxy looks up the host', async () => {
  for (const how of ['proxyjump gate.example', 'proxycommand nc %h %p']) {
    const { options, asked } = await wayOf('git@inside:a', ['hostname inside', how])
    assert.deepEqual([options, asked], [[], []])
  }
  const { asked } = await wayOf('git@git.example:a', ['hostname git.example', 'proxyjump none'])
  assert.deepEqual(asked, ['git.example'])
})

test("without ssh's configuration the URL's host is used", async () => {
  const { options } = await wayOf('ssh://git@[2001:db8::1]:2222/a', ['no such option'])
  assert.deepEqual(options, ['-oHostName=10.0.0.1', '-oHostKeyAlias=[2001:db8::1]:2222'])
})
