import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { createClient } from '@connectrpc/connect'
import type { Intake } from '../../src/agent/intake.ts'
import { Poller } from '../../src/agent/poller.ts'
import { readGitEnv } from '../../src/config/env.ts'
import { RunnerService } from '../../src/contract/gen/narwhal/v1/runner_pb.js'
import { manualEvent } from '../../src/dispatcher/pipelines/manual-event.ts'
import { dialConnector } from '../../src/dispatcher/runners/dial-connector.ts'
import { sendStatus } from '../../src/dispatcher/statuses/send-status.ts'
import { findRefWith } from '../../src/lib/git/find-ref-with.ts'
import { parseCloneUrl } from '../../src/lib/git/git.ts'
import { listRemote } from '../../src/lib/git/list-remote.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { Hosts } from '../../src/lib/reach/hosts.ts'
import { parseInclude } from '../../src/pipeline-file/read/include-ref.ts'
import { FakeExecutor } from '../../src/runner/executor/fake/fake.ts'
import { serveRunner } from '../../src/runner/link/serve.ts'
import { MirrorCache } from '../../src/runner/mirror/mirror-cache.ts'
import { IncludeLoader } from '../../src/runner/plan/load-include.ts'
import { startRunner } from '../../src/runner/start-runner.ts'
import type { RepositoryRecord } from '../../src/store/records.ts'
import type { Store } from '../../src/store/store.ts'
import { changingHosts } from '../support/changing-hosts.ts'
import { emptyVault } from '../support/empty-vault.ts'
import { gitRepository } from '../support/git-repository.ts'
import { tempDir } from '../support/temp-dir.ts'
import { RUNNER_TOKEN } from '../support/tokens.ts'

/** No resolver knows it: a second lookup fails. */
const NAME = 'forge.invalid'
/** The metadata service of clouds. */
const METADATA = '169.254.169.254'
const REFUSED = /forge\.invalid is at an address that users' requests may not reach/
const { signal } = new AbortController()

function at(url: string): string {
  const moved = new URL(url)
  moved.hostname = NAME
  return moved.href
}

function recordOf(cloneUrl: string): RepositoryRecord {
  const times = { pollIntervalMs: 1_000, createdAt: 0 }
  return { id: 'repo_1', name: 'ada/app', forge: 'git', cloneUrl, webhookSecret: 'x', ...times }
}

/** Every use of git on a repository, as its caller does it. */
const GIT_USES: Readonly<
  Record<string, (cloneUrl: string, hosts: Hosts, sha: string) => Promise<unknown>>
> = {
  'listing its refs': async (cloneUrl, hosts) => {
    const env = { ...readGitEnv(), hosts }
    return await listRemote(parseCloneUrl(cloneUrl), ['refs/heads/*'], { env })
  },
  'polling it': async (cloneUrl, hosts) => {
    const store = { heads: { list: async () => [] } } as unknown as Store
    const intake = { acceptPoll: async () => {} } as unknown as Intake
    const gitEnv = { ...readGitEnv(), hosts }
    const vault = await emptyVault()
    const poller = new Poller({ store, intake, vault, gitEnv, log: silentLog() })
    await poller.pollOnce(recordOf(cloneUrl))
  },
  'starting a pipeline by hand': async (cloneUrl, hosts) => {
    const ownCommits = { find: async () => undefined }
    const vault = await emptyVault()
    const git = { vault, env: { ...readGitEnv(), hosts }, signal, ownCommits }
    await manualEvent(recordOf(cloneUrl), { ref: 'main' }, git)
  },
  'finding whose a commit is': async (cloneUrl, hosts, sha) => {
    const env = { ...readGitEnv(), hosts }
    return await findRefWith(parseCloneUrl(cloneUrl), sha, { env, signal })
  },
  'fetching a commit': async (cloneUrl, hosts, sha) => {
    await using dir = await tempDir()
    const env = { ...readGitEnv(), hosts }
    await using mirrors = new MirrorCache({ folder: dir.path, env, log: silentLog() })
    const place = { repositoryId: 'repo_1', repositoryName: 'ada/app', cloneUrl } as const
    await mirrors.fetchCommit({ ...place, ref: 'refs/heads/main', sha }, signal)
  },
  'looking up the ref of an include': async (cloneUrl, hosts) => {
    await using dir = await tempDir()
    const env = { ...readGitEnv(), hosts }
    await using mirrors = new MirrorCache({ folder: dir.path, env: readGitEnv(), log: silentLog() })
    const sources = [{ name: 'ada/ci', repositoryId: 'repo_2', cloneUrl }] as const
    const loader = new IncludeLoader({ mirrors, env, sources }, signal)
    const ref = parseInclude('ada/ci@main:a.yml')
    assert.ok(ref)
    const loaded = await loader.load(ref)
    if (
      'trouble' in loaded &&
      loaded.trouble.includes("at an address that users' requests may not reach")
    ) {
      throw new Error(loaded.trouble)
    }
  },
}

for (const [use, ask] of Object.entries(GIT_USES)) {
  test(`SEC-16g: a host is looked up once for ${use}, and rejected when it has moved`, async () => {
    await using repository = await gitRepository({ files: { a: 'b' }, serve: true })
    await repository.git('config', 'uploadpack.allowFilter', 'true')
    const sha = await repository.head()
    const { hosts, asked } = changingHosts(['127.0.0.1', METADATA])
    await ask(at(repository.url), hosts, sha)
    assert.deepEqual(asked, [NAME])
    const requests = repository.requests.length
    assert.ok(requests > 0, 'the address that was found was asked')
    await assert.rejects(ask(at(repository.url), hosts, sha), { message: REFUSED })
    assert.equal(repository.requests.length, requests)
  })
}

test('SEC-16h: a name that git or curl spells differently still leads to the looked-up address', async () => {
  await using repository = await gitRepository({ files: { a: 'b' }, serve: true })
  const { port } = new URL(repository.url)
  for (const host of ['forge.invalid.', 'FORGE.invalid', 'f%6frge.invalid', 'bücher.invalid']) {
    const { hosts, asked } = changingHosts(['127.0.0.1', METADATA])
    const env = { ...readGitEnv(), hosts }
    const clone = parseCloneUrl(`http://${host}:${port}/repository`)
    const refs = await listRemote(clone, ['refs/heads/*'], { env })
    assert.equal(refs.size, 1, host)
    assert.equal(asked.length, 1, host)
  }
})

test('SEC-16i: each connection goes to the address looked up for it, and a kept one is not looked up again', async () => {
  const connections = new Set<number | undefined>()
  let ours = 0
  await using repository = await gitRepository({
    files: { a: 'b' },
    serve: true,
    intercept: ({ socket, headers }) => {
      connections.add(socket.remotePort)
      if (headers['user-agent']?.includes('narwhal')) ours++
      return false
    },
  })
  await using dir = await tempDir()
  const { hosts, asked } = changingHosts(['127.0.0.1'])
  const env = { ...readGitEnv(), hosts }
  await using mirrors = new MirrorCache({ folder: dir.path, env, log: silentLog() })
  const place = { repositoryId: 'repo_1', repositoryName: 'ada/app' } as const
  const fetch = async (sha: string) => {
    const commit = { ...place, cloneUrl: at(repository.url), ref: 'refs/heads/main', sha }
    await mirrors.fetchCommit(commit, signal)
    await mirrors.tags(commit, signal)
  }
  await fetch(await repository.head())
  for (const text of ['c', 'd', 'e']) await fetch(await repository.commit({ a: text }))
  assert.ok(ours >= 6, `${ours} requests of our own`)
  assert.ok(asked.length <= connections.size, `${asked.length} for ${connections.size}`)
  const moved = changingHosts([METADATA])
  await using others = new MirrorCache({
    folder: dir.path,
    env: { ...env, hosts: moved.hosts },
    log: silentLog(),
  })
  const sha = await repository.commit({ a: 'f' })
  const commit = { ...place, cloneUrl: at(repository.url), ref: 'refs/heads/main', sha }
  await assert.rejects(others.fetchCommit(commit, signal), { message: REFUSED })
})

/** Accepts connections, is silent, and closes them. */
async function listener() {
  const connections: string[] = []
  const server = createServer((socket) => {
    connections.push(socket.localAddress ?? '')
    socket.on('error', () => {})
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

test('SEC-16j: ssh also connects to the looked-up address, and no other', async () => {
  await using server = await listener()
  const ask = async (hosts: Hosts): Promise<unknown> => {
    const clone = parseCloneUrl(`ssh://git@${NAME}:${server.port}/ada/app.git`)
    return await listRemote(clone, ['HEAD'], { env: { ...readGitEnv(), hosts } })
  }
  const { hosts, asked } = changingHosts(['127.0.0.1', METADATA])
  await assert.rejects(ask(hosts), { message: /ssh git-upload-pack failed/ })
  assert.deepEqual(server.connections, ['127.0.0.1'])
  await assert.rejects(ask(hosts), { message: REFUSED })
  assert.deepEqual(server.connections, ['127.0.0.1'])
  assert.deepEqual(asked, [NAME, NAME])
})

test('SEC-16k: a status is sent to the looked-up address of its forge, and nowhere else when that has moved', async () => {
  await using server = await listener()
  const { hosts, asked } = changingHosts(['127.0.0.1', METADATA])
  const request = { url: `http://${NAME}:${server.port}/x`, headers: {}, body: {} }
  const first = await sendStatus(request, hosts, signal)
  assert.equal(first.kind, 'retried')
  assert.deepEqual(server.connections, ['127.0.0.1'])
  const second = await sendStatus(request, hosts, signal)
  assert.match('words' in second ? second.words : '', REFUSED)
  assert.equal(server.connections.length, 1)
  assert.equal(asked.length, 2)
})

test('SEC-16l: a dialled runner is called at its looked-up address, and not when it has moved', async () => {
  await using stack = new AsyncDisposableStack()
  const dataDir = stack.use(await tempDir()).path
  const log = silentLog()
  const executor = stack.use(new FakeExecutor())
  const deps = { log, executor, dataDir, gitEnv: {} }
  const runner = stack.use(await startRunner(deps, { name: 'one', slots: 1, labels: [] }))
  const token = RUNNER_TOKEN
  const served = stack.use(await serveRunner(runner, { host: '127.0.0.1', port: 0, log, token }))
  const { hosts, asked } = changingHosts(['127.0.0.1', METADATA])
  const dial = (url: string) => dialConnector({ url, token, balanced: true, hosts })
  const describe = async (url: string) => {
    await using connection = dial(url).connect()
    return await createClient(RunnerService, connection.transport).describe({})
  }
  assert.equal((await describe(at(served.url))).name, 'one')
  assert.deepEqual(asked, [NAME])
  await assert.rejects(describe(at(served.url)), { message: REFUSED })
  assert.throws(() => dial(`http://${METADATA}:4750`).connect(), { code: 'forbidden' })
})
