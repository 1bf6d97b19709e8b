import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { readGitEnv } from '../../src/config/env.ts'
import { silentLog } from '../../src/lib/log.ts'
import { Hosts } from '../../src/lib/reach/hosts.ts'
import { Checkouts } from '../../src/runner/checkout/checkouts.ts'
import { FetchHosts } from '../../src/runner/checkout/fetch-hosts.ts'
import { downloadObject } from '../../src/runner/checkout/lfs/download-object.ts'
import { MirrorCache } from '../../src/runner/mirror/mirror-cache.ts'
import { changingHosts } from '../support/changing-hosts.ts'
import { gitRepository } from '../support/git-repository.ts'
import { tempDir } from '../support/temp-dir.ts'

const { signal } = new AbortController()

const ADDRESSES: Readonly<Record<string, string>> = {
  'public.invalid': '8.8.8.8',
  'private.invalid': '10.0.0.1',
  'own.invalid': '127.0.0.1',
}
const hosts = new Hosts({
  lookUp: async (name) => [{ address: ADDRESSES[name] ?? '169.254.169.254', family: 4 }],
})

test('SEC-16n: hosts named by a server or a commit lead no further in than it is itself', async () => {
  const order = ['public', 'private', 'own']
  for (const by of ['public', 'private', 'own'] as const) {
    const cloneUrl = `https://${by}.invalid/ada/app.git`
    const fetching = new FetchHosts({ cloneUrl, isStranger: false, hosts: ['*'] }, hosts)
    for (const to of [...order, 'metadata']) {
      const url = new URL(`https://${to}.invalid/`)
      const told = await fetching.find(url, by).then(
        () => true,
        () => false,
      )
      const isAllowed = to !== 'metadata' && order.indexOf(to) <= order.indexOf(by)
      assert.equal(told, isAllowed, `${by} sends on to ${to}`)
      if (to === by) continue
      const bounded = await fetching.forSubmodule(url.href)
      const module = await (bounded?.hosts ?? hosts).find(url.hostname).then(
        () => true,
        () => false,
      )
      assert.equal(module, isAllowed, `a submodule of ${by} is at ${to}`)
    }
  }
})

test('SEC-16o: a host that the operator names is allowed, a link-local one only by its range', async () => {
  const cloneUrl = 'https://public.invalid/ada/app.git'
  const policy = { cloneUrl, isStranger: false, hosts: ['private.invalid:8443'] }
  const fetching = new FetchHosts(policy, hosts)
  await fetching.find(new URL('https://private.invalid:8443/'), 'public')
  await assert.rejects(fetching.find(new URL('https://private.invalid/'), 'public'), {
    message: /private\.invalid is at an address .* \(see --user-requests, --fetch-hosts\)/,
  })
  const lookUp = async (name: string) => {
    const known = ADDRESSES[name.replace(/\.$/, '').toLowerCase()]
    return [{ address: known ?? '', family: 4 }]
  }
  const isAllowed = (nearness: string) => nearness === 'public'
  const named = new Hosts({ isAllowed, lookUp, named: ['private.invalid', '127.0.0.0/8'] })
  await named.find('private.invalid')
  await named.find('PRIVATE.invalid.')
  await named.find('own.invalid')
  named.check(new URL('http://127.0.0.9/'))
  assert.throws(() => named.check(new URL('http://10.0.0.1/')), { code: 'forbidden' })
  const metadata = async () => [{ address: '169.254.169.254', family: 4 }]
  const moved = new Hosts({ isAllowed, lookUp: metadata, named: ['private.invalid'] })
  await assert.rejects(moved.find('private.invalid'), { code: 'forbidden' })
})

test('SEC-16p: a submodule is fetched from its looked-up address, and not when it has moved', async () => {
  await using repository = await gitRepository({ files: { a: 'b' }, serve: true })
  await using dir = await tempDir()
  const first = await repository.head()
  await repository.commit({
    '.gitmodules': '[submodule "lib"]\n\tpath = lib\n\turl = ../repository\n',
  })
  await repository.git('update-index', '--add', '--cacheinfo', `160000,${first},lib`)
  await repository.git('commit', '--quiet', '--amend', '--no-edit')
  const sha = await repository.head()
  const checkOut = async (folder: string, addresses: readonly string[]) => {
    const { hosts: changing, asked } = changingHosts(addresses)
    const env = { ...readGitEnv(), hosts: changing }
    const mirrorsAt = dir.join(`mirrors-${folder}`)
    await using mirrors = new MirrorCache({ folder: mirrorsAt, env, log: silentLog() })
    const limits = { files: 1000, bytes: 1e6 }
    const checkouts = new Checkouts(mirrors, env, { limits, fetchHosts: [] })
    const place = { repositoryId: 'repo_1', repositoryName: 'ada/app' } as const
    const cloneUrl = repository.url.replace('127.0.0.1', 'forge.invalid')
    const commit = { ...place, cloneUrl, ref: 'refs/heads/main', sha }
    await mkdir(dir.join(folder))
    await checkouts.checkOut(commit, dir.join(folder), { clone: { submodules: true }, signal })
    return asked
  }
  const names = await checkOut('still', ['127.0.0.1'])
  assert.deepEqual(names, ['forge.invalid', 'forge.invalid'])
  assert.equal(await readFile(dir.join('still/lib/a'), 'utf8'), 'b')
  await assert.rejects(checkOut('moved', ['127.0.0.1', '169.254.169.254']), {
    message: /forge\.invalid is at an address that users' requests may not reach/,
  })
})

test("SEC-16q: a Git LFS server can't redirect to a cloud's metadata service", async () => {
  const text = 'a file'
  const oid = createHash('sha256').update(text).digest('hex')
  const shown: (string | undefined)[] = []
  await using server = await gitRepository({
    serve: true,
    intercept: (request, response) => {
      const to = new URL(request.url ?? '', 'http://localhost').searchParams.get('to')
      shown.push(request.headers['x-access']?.toString())
      if (to === null) response.end(text)
      else response.writeHead(302, { location: to }).end()
      return true
    },
  })
  await using other = await gitRepository({
    serve: true,
    intercept: (request, response) => {
      shown.push(request.headers['x-access']?.toString())
      response.end(text)
      return true
    },
  })
  await using dir = await tempDir()
  const policy = { cloneUrl: server.url, isStranger: false, hosts: [] }
  const options = { hosts: new FetchHosts(policy, new Hosts()), signal }
  const download = async (href: string) => {
    const headers = { 'x-access': 'granted' }
    const object = { oid, size: text.length, href, headers, by: 'own' } as const
    await downloadObject(object, dir.join('object'), options)
    return await readFile(dir.join('object'), 'utf8')
  }
  for (const host of ['169.254.169.254', '[fe80::1]', '0.0.0.0']) {
    const refused = { message: /is at an address that users' requests may not reach/ }
    await assert.rejects(download(`http://${host}/latest/meta-data`), refused)
    await assert.rejects(download(`${server.url}?to=http://${host}/latest`), refused)
  }
  assert.equal(await download(`${server.url}?to=${encodeURIComponent(other.url)}`), text)
  assert.equal(shown.at(-1), undefined, 'what gives access is for the first server alone')
})
