import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changingHosts } from '#root/test/support/changing-hosts.ts'
import { readGitEnv } from '../../config/env.ts'
import { parseCloneUrl } from './git.ts'
import { findHttp, wayTo } from './git-way.ts'

const wayOf = async (url: string, addresses: readonly string[]) => {
  const { hosts, asked } = changingHosts(addresses)
  const env = { ...readGitEnv(), hosts }
  const clone = parseCloneUrl(url)
  const way = await wayTo(clone, await findHttp(clone.url, env), { env })
  return { ...way, asked }
}

test('git may use one protocol, one port, and the looked-up addresses', async () => {
  assert.deepEqual(await wayOf('https://git.example/a', ['8.8.8.8']), {
    settings: ['protocol.https.allow=always', 'http.curloptResolve=*:443:8.8.8.8'],
    ssh: [],
    asked: ['git.example'],
  })
  const { settings } = await wayOf('http://git.example:8080/a', ['2606:4700::1'])
  assert.deepEqual(settings, [
    'protocol.http.allow=always',
    'http.curloptResolve=*:8080:[2606:4700::1]',
  ])
})

test('a folder needs no lookup', async () => {
  const { settings, ssh, asked } = await wayOf('/srv/git/a', ['8.8.8.8'])
  assert.deepEqual([settings, ssh, asked], [['protocol.file.allow=always'], [], []])
})
