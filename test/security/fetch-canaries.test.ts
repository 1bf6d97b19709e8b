import assert from 'node:assert/strict'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { readGitEnv } from '../../src/config/env.ts'
import { silentLog } from '../../src/lib/log.ts'
import { Hosts } from '../../src/lib/reach/hosts.ts'
import { Checkouts } from '../../src/runner/checkout/checkouts.ts'
import { FetchHosts } from '../../src/runner/checkout/fetch-hosts.ts'
import { downloadObject } from '../../src/runner/checkout/lfs/download-object.ts'
import { askForObjects } from '../../src/runner/checkout/lfs/lfs-batch.ts'
import { lfsEndpoint } from '../../src/runner/checkout/lfs/lfs-endpoint.ts'
import { MirrorCache } from '../../src/runner/mirror/mirror-cache.ts'
import { gitRepository } from '../support/git-repository.ts'
import { tempDir } from '../support/temp-dir.ts'

const CANARY = 'canary-77b2c0d9e4'
const OID = 'a'.repeat(64)
const { signal } = new AbortController()
/** Every name is on this machine. */
const hosts = new Hosts({ lookUp: async () => [{ address: '127.0.0.1', family: 4 }] })

/** Fails without revealing the canary: not in its message, its causes or its hidden fields. */
async function failsInSilence(work: Promise<unknown>, what: string): Promise<void> {
  const error: unknown = await work.then(
    () => assert.fail(`${what} did not fail`),
    (reason: unknown) => reason,
  )
  const shown = `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)}`
  assert.ok(!shown.includes(CANARY), `${what}: ${shown}`)
}

test('MSK-60: a Git LFS server that is asked for by ssh and fails reveals no credentials', async () => {
  await using dir = await tempDir()
  const log = dir.join('arguments')
  const answers = [
    `echo 'remote: https://ada:${CANARY}@lfs.example.com/x' >&2; exit 1`,
    `echo 'Authorization: Basic ${CANARY}' >&2; exit 128`,
    `echo '{"token":"${CANARY}"}' >&2; kill -9 $$`,
    `echo '${CANARY}'`,
    `echo '{"href":"ext::${CANARY}","header":{"Authorization":"${CANARY}"}}'`,
    `echo '{"href":7,"header":{"Authorization":"${CANARY}"}}'`,
    `head -c 100000 /dev/zero | tr '\\0' x; echo ${CANARY}`,
  ]
  for (const answer of answers) {
    const script = `#!/bin/sh\nprintf '%s\\n' "$@" >> ${log}\n[ "$1" = -G ] && exit 0\n${answer}\n`
    await writeFile(dir.join('ssh'), script)
    await chmod(dir.join('ssh'), 0o755)
    const env = { ...readGitEnv(), PATH: `${dir.path}:${readGitEnv().PATH ?? ''}`, hosts }
    const cloneUrl = 'git@git.example.com:ada/app'
    const policy = { cloneUrl, isStranger: false, hosts: [] }
    await failsInSilence(lfsEndpoint(undefined, { cloneUrl }, { policy, env, signal }), answer)
  }
  assert.ok(!(await readFile(log, 'utf8')).includes(CANARY))
})

/** A Git LFS server that fails in different ways, by the requested path. */
function answerBadly(request: IncomingMessage, response: ServerResponse): boolean {
  const how = /^\/([a-z-]+)/.exec(request.url ?? '')?.[1] ?? ''
  const objects = (object: object): string => JSON.stringify({ objects: [{ oid: OID, ...object }] })
  const bodies: Readonly<Record<string, () => unknown>> = {
    refused: () => response.writeHead(403).end(CANARY),
    none: () => response.end(`{"token":"${CANARY}"`),
    missing: () =>
      response.end(objects({ size: 9, error: { code: 404, message: `token=${CANARY}` } })),
    nowhere: () =>
      response.end(
        objects({ size: 9, actions: { download: { href: `ftp://ada:${CANARY}@host/` } } }),
      ),
    elsewhere: () => response.writeHead(302, { location: `http://host/?t=${CANARY}` }).end(),
    broken: () => response.destroy(),
    other: () => response.end('other bytes'),
    long: () => response.end(CANARY.repeat(9)),
    ftp: () => response.writeHead(302, { location: `ftp://ada:${CANARY}@host/` }).end(),
    odd: () => response.writeHead(302, { location: `http://[${CANARY}` }).end(),
    endless: () => response.writeHead(302, { location: `/endless?t=${CANARY}` }).end(),
    inside: () =>
      response.writeHead(302, { location: `http://ada:${CANARY}@169.254.169.254/` }).end(),
  }
  if (!bodies[how]) return false
  bodies[how]()
  return true
}

test('MSK-61: however a Git LFS server fails, the error contains no credentials of its URLs and headers', async () => {
  await using server = await gitRepository({ serve: true, intercept: answerBadly })
  await using dir = await tempDir()
  const { port } = new URL(server.url)
  const policy = { cloneUrl: server.url, isStranger: false, hosts: [] }
  const options = { hosts: new FetchHosts(policy, hosts), signal }
  const access = { Authorization: `Basic ${CANARY}` }
  const failures = ['refused', 'none', 'missing', 'nowhere', 'elsewhere', 'broken']
  for (const [host, ways] of [
    [`127.0.0.1:${port}`, failures],
    ['127.0.0.1:1', ['closed']],
  ] as const) {
    for (const how of ways) {
      const url = `http://ada:${CANARY}@${host}/${how}?t=${CANARY}`
      const asked = askForObjects({ url, headers: access }, [{ oid: OID, size: 9 }], options)
      await failsInSilence(asked, how)
    }
  }
  const ways = ['refused', 'broken', 'other', 'long', 'ftp', 'odd', 'endless', 'inside']
  for (const how of ways) {
    const href = `http://ada:${CANARY}@127.0.0.1:${port}/${how}?X-Signature=${CANARY}`
    const object = { oid: OID, size: 11, href, headers: access, by: 'own' } as const
    await failsInSilence(downloadObject(object, dir.join(how), options), how)
  }
  const named = { 'X-Access': `${CANARY}\n` }
  const object = { oid: OID, size: 11, href: `${server.url}/x`, headers: named, by: 'own' } as const
  await failsInSilence(downloadObject(object, dir.join('header'), options), 'a header')
})

test('MSK-62: a submodule or a Git LFS server whose URL has a password is rejected without repeating it', async () => {
  await using repository = await gitRepository({ files: { a: 'b' }, serve: true })
  await using dir = await tempDir()
  const env = { ...readGitEnv(), hosts }
  await using mirrors = new MirrorCache({ folder: dir.join('mirrors'), env, log: silentLog() })
  const limits = { files: 1000, bytes: 1e6 }
  const checkouts = new Checkouts(mirrors, env, { limits, fetchHosts: ['*'] })
  const { host } = new URL(repository.url)
  const urls = [
    `https://ada:${CANARY}@git.example.com/lib.git`,
    `https://ada:pa/${CANARY}@git.example.com/lib.git`,
    `https://git.example.com/lib.git?private_token=${CANARY}`,
    `https://git.example.com/lib.git#${CANARY}`,
    `http://${CANARY}@${host}/repository`,
    `ssh://ada:${CANARY}@git.example.com/lib.git`,
    `ftp://ada:${CANARY}@git.example.com/lib.git`,
    `ext::sh -c https://ada:${CANARY}@host/`,
  ]
  const first = await repository.head()
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${OID}\nsize 9\n`
  for (const [index, url] of urls.entries()) {
    await repository.commit({
      '.gitmodules': `[submodule "lib"]\n\tpath = lib\n\turl = "${url}"\n`,
      '.lfsconfig': `[lfs]\n\turl = "${url}"\n`,
      '.gitattributes': '*.bin filter=lfs\n',
      'a.bin': pointer,
    })
    await repository.git('update-index', '--add', '--cacheinfo', `160000,${first},lib`)
    await repository.git('commit', '--quiet', '--amend', '--no-edit')
    const sha = await repository.head()
    for (const what of ['submodules', 'lfs'] as const) {
      const folder = dir.join(`${what}-${index}`)
      await mkdir(folder)
      const place = { repositoryId: 'repo_1', repositoryName: 'ada/app' } as const
      const commit = { ...place, cloneUrl: repository.url, ref: 'refs/heads/main', sha }
      const clone = { [what]: true }
      await failsInSilence(checkouts.checkOut(commit, folder, { clone, signal }), `${what} ${url}`)
    }
  }
})
