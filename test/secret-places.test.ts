import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { execOnce } from '../src/runner/executor/containers/steps/exec-once.ts'
import { parseEngineAddress } from '../src/runner/executor/docker/engine/docker-address.ts'
import { DockerApi } from '../src/runner/executor/docker/engine/docker-api.ts'
import { DockerEngine } from '../src/runner/executor/docker/engine/docker-engine.ts'
import { callEngine } from '../src/runner/executor/docker/engine/docker-http.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished } from './support/installation.ts'
import { LiveTestClient } from './support/live-client.ts'
import { startNarwhal } from './support/narwhal-process.ts'
import { testImage, testService } from './support/services.ts'
import { statusForge } from './support/status-forge.ts'
import { tempDir } from './support/temp-dir.ts'
import { bearer, clientOf, tokenIn } from './support/tokens.ts'

const { url: engineUrl, skip } = testService('docker')

const CANARY = 'canary-19d4e7b60a'
const LEARNED = 'learned-5f2c88e1d3'
/** As they are looked for everywhere. */
const NEEDLES = [CANARY, LEARNED].flatMap((one) => [
  one,
  Buffer.from(one).toString('base64').slice(0, 20),
  Buffer.from(one).toString('hex'),
])

const WAIT = 'while [ ! -e go ] || [ ! -e printed ]; do sleep 0.05; done'
/** The learned value does not stand in the file. */
const LEARN = `learned=$(echo learned-PPf2c88e1d3 | tr P 5 | sed s/55/5/); echo "$learned" >>"$NARWHAL_MASK"`
const FILE = {
  image: testImage(),
  jobs: {
    holds: {
      secrets: ['KEY'],
      services: { beside: { image: testImage(), command: 'sleep 600', ready: 'true' } },
      steps: [
        {
          name: 'watch $KEY',
          background: true,
          command: `echo "beside $KEY"; touch printed; sleep 600`,
        },
        {
          name: 'print $KEY',
          env: { COPY: '$KEY' },
          command: `${LEARN}\necho "$KEY $learned"\n${WAIT}`,
        },
      ],
    },
    tells: {
      secrets: ['KEY'],
      outputs: ['key'],
      steps: [{ name: 'tell', command: 'echo "key=$KEY" >>"$NARWHAL_OUTPUT"' }],
    },
    fails: {
      secrets: ['KEY'],
      steps: [{ name: 'fail $KEY', command: 'echo "$KEY" >&2; exit 3' }],
    },
  },
}

test('a secret is seen nowhere while and after a job has it: engine, processes, forge, live, metrics, API, disk', {
  skip,
  timeout: 180_000,
}, async () => {
  await using forge = await statusForge()
  await using repository = await gitRepository({ files: { 'narwhal.yml': JSON.stringify(FILE) } })
  await using narwhal = await startProcess()
  const { client } = narwhal
  await client.addRepository({ name: 'ada/app', cloneUrl: repository.path, pollIntervalMs: 0 })
  await client.linkForge('ada/app', {
    forge: 'gitea',
    apiUrl: `${forge.url}/api/v1`,
    project: 'ada/app',
    token: 'a-token-of-the-forge',
  })
  await client.setSecret('KEY', { value: CANARY }, 'ada/app')
  await using live = await LiveTestClient.connect(narwhal.url, bearer(narwhal.token))
  live.ask({ type: 'subscribe', id: 'all', topic: { kind: 'everything' } })
  live.ask({ type: 'subscribe', id: 'runners', topic: { kind: 'runners' } })
  const { id } = await client.startPipeline({ repository: 'ada/app' })
  const holds = await eventually(
    async () => {
      const { jobs } = await client.getPipeline(id)
      const job = jobs.find(({ name }) => name === 'holds')
      const step = job?.attempts.at(-1)?.steps.find(({ name }) => name === 'print $KEY')
      return (step?.status === 'running' && job) || null
    },
    { timeoutMs: 60_000, message: 'a step to run' },
  )
  assert.ok(holds)
  live.ask({
    type: 'subscribe',
    id: 'log',
    after: -1,
    topic: { kind: 'log', jobId: holds.id, attempt: 1 },
  })

  const places = new Map<string, string>()
  const containers = await containersOf(holds.id)
  assert.equal(containers.length, 2)
  for (const container of containers) {
    for (const what of ['json', 'top', 'changes']) {
      places.set(`${container}/${what}`, await engine('GET', `/containers/${container}/${what}`))
    }
    const { ExecIDs } = JSON.parse(places.get(`${container}/json`) ?? '') as Inspected
    for (const exec of ExecIDs ?? []) places.set(exec, await engine('GET', `/exec/${exec}/json`))
  }
  places.set('the list of processes', await processes())
  const api = new DockerApi(parseEngineAddress(engineUrl))
  const main = await mainOf(containers)
  await execOnce(
    new DockerEngine(api, { instance: 'test' }),
    main,
    ['touch', '/workspace/go'],
    AbortSignal.timeout(10_000),
  )

  const ended = await finished(narwhal, id)
  assert.deepEqual(
    ended.jobs.map(({ name, outcome }) => [name, outcome]),
    [
      ['holds', 'success'],
      ['tells', 'error'],
      ['fails', 'failure'],
    ],
  )
  const log = await client.readLog({ jobId: holds.id, attempt: 1 }, { from: 0, limit: 100 })
  const texts = log.lines.map(({ text }) => text)
  for (const line of ['*** ***', 'beside ***']) assert.ok(texts.includes(line), texts.join('\n'))
  await eventually(() => forge.taken.some(({ body }) => body['state'] === 'error'))
  await eventually(() => live.has('log', 'end'))
  places.set('what the forge was told', JSON.stringify(forge.posted))
  places.set('what came by websocket', JSON.stringify(live.heard))
  places.set("Narwhal's own log", narwhal.said())
  places.set('its metrics', await textOf(`${narwhal.url}/metrics`, narwhal.token))
  for (const [path, answer] of await answers(
    narwhal,
    ended.jobs.map((job) => job.id),
    id,
  )) {
    places.set(path, answer)
  }
  for (const [place, text] of places) {
    for (const needle of NEEDLES) assert.ok(!text.includes(needle), `${place}: ${text}`)
  }
  // Rows, write-ahead log, spools, workspaces. The outcome is told before the sandbox goes, with the file of what was learned.
  await eventually(async () => assert.deepEqual(await filesWith(narwhal.dataDir), []), {
    timeoutMs: 60_000,
  })
})

/** `narwhal up` as a process of its own, which says all it can. */
async function startProcess() {
  await using stack = new AsyncDisposableStack()
  const dataDir = stack.use(await tempDir()).path
  const flags = ['--data', dataDir, '--port', '0', '--executor', `docker:${engineUrl}`]
  const issuer = ['--oidc-issuer', 'https://ci.example.test']
  const { said } = stack.use(startNarwhal(['up', ...flags, ...issuer, '--log-level', 'debug']))
  const url = await eventually(() => /is up: (http:\S+)/.exec(said())?.[1] ?? null, {
    message: 'narwhal up',
    timeoutMs: 30_000,
  })
  const token = tokenIn(dataDir)
  const client = clientOf(url, dataDir)
  const parts = stack.move()
  return { url, dataDir, said, client, token, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

interface Inspected {
  readonly ExecIDs: readonly string[] | null
}

async function engine(method: 'GET' | 'POST', path: string): Promise<string> {
  const answer = await callEngine(parseEngineAddress(engineUrl), { method, path })
  assert.equal(answer.status, 200, answer.text)
  return answer.text
}

async function containersOf(jobId: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`narwhal.sandbox=${jobId}/1`] }))
  const list = JSON.parse(await engine('GET', `/containers/json?filters=${filters}`)) as {
    Id: string
  }[]
  return list.map(({ Id }) => Id)
}

/** The one with the workspace. */
async function mainOf(containers: readonly string[]): Promise<string> {
  for (const id of containers) {
    if ((await engine('GET', `/containers/${id}/json`)).includes('"/workspace"')) return id
  }
  throw new Error('no container has a workspace')
}

/** The command lines of all processes of this machine, which may be the engine's. */
async function processes(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
  return (await Promise.all(lines)).join('\n')
}

async function textOf(url: string, token: string): Promise<string> {
  const answer = await fetch(url, { headers: bearer(token) })
  const text = await answer.text()
  assert.equal(answer.status, 200, `${url}: ${text}`)
  return text
}

/** What routes must be asked. */
const QUERIES = { '/search': '?text=a', '/proof': `?nonce=${'0'.repeat(64)}` }

/** What every reading route of the API says, by its address. */
async function answers(
  { url, token }: { readonly url: string; readonly token: string },
  jobs: readonly string[],
  pipeline: string,
): Promise<[string, string][]> {
  const document = JSON.parse(await textOf(`${url}/api/v1/openapi.json`, token)) as {
    paths: Record<string, { get?: unknown }>
  }
  const { runners } = JSON.parse(await textOf(`${url}/api/v1/runners`, token)) as {
    runners: { id: string }[]
  }
  const paths = Object.entries(document.paths).flatMap(([path, { get }]) => (get ? [path] : []))
  const filled = paths.flatMap((path) =>
    (path.includes('{job}') ? jobs : ['']).map((job) =>
      path
        .replace('{job}', job)
        .replace('{attempt}', '1')
        .replace('{pipeline}', pipeline)
        .replace('{secret}', 'KEY')
        .replace('{repository}', 'ada%2Fapp')
        .replace('{runner}', runners[0]?.id ?? ''),
    ),
  )
  assert.ok(filled.length > 40)
  const all: [string, string][] = []
  for (const path of filled) {
    assert.ok(!path.includes('{'), path)
    const query = Object.entries(QUERIES).find(([end]) => path.endsWith(end))?.[1] ?? ''
    all.push([path, await textOf(`${url}${path}${query}`, token)])
  }
  return all
}

/** The files below a folder that hold a needle; what is removed meanwhile holds nothing. */
async function filesWith(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) found.push(...(await filesWith(path)))
    if (!entry.isFile()) continue
    const bytes = await readFile(path).catch(() => Buffer.of())
    if (NEEDLES.some((needle) => bytes.includes(needle))) found.push(path)
  }
  return found
}
