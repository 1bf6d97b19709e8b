import assert from 'node:assert/strict'
import { test } from 'node:test'
import { uniquePrefix } from './support/services.ts'
import { eventually } from './support/eventually.ts'
import { freePort } from './support/free-port.ts'
import { type GitRepository, gitRepository } from './support/git-repository.ts'
import { type Balancer, skipHaproxy, startHaproxy } from './support/haproxy.ts'
import { finished, type Installation, startUp } from './support/installation.ts'
import { type NarwhalProcess, startNarwhal } from './support/narwhal-process.ts'
import { skipNginx, startNginx } from './support/nginx.ts'
import { tempDir } from './support/temp-dir.ts'

/** A real runner process, and what is needed to start it again as it was. */
interface Member extends AsyncDisposable {
  readonly name: string
  readonly port: number
  process: NarwhalProcess
  start(): Promise<void>
}

async function startMember(name: string): Promise<Member> {
  const dir = await tempDir('narwhal-member-')
  const port = await freePort()
  const args = ['runner', '--port', String(port), '--health-port', '0', '--executor', 'fake:']
  const named = ['--name', name, '--labels', 'farm', '--slots', '2', '--data', dir.path]
  const launch = async (): Promise<NarwhalProcess> => {
    const started = startNarwhal([...args, ...named])
    await eventually(() => started.said().includes('runner is ready'), {
      message: `runner ${name}`,
      timeoutMs: 30_000,
    })
    return started
  }
  const member: Member = {
    name,
    port,
    process: await launch(),
    start: async () => {
      member.process = await launch()
    },
    [Symbol.asyncDispose]: async () => {
      await member.process[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
  return member
}

interface Farm extends AsyncDisposable {
  readonly narwhal: Installation
  readonly members: readonly [Member, Member]
  readonly repository: GitRepository
}

async function startFarm(balance: (ports: number[]) => Promise<Balancer>): Promise<Farm> {
  await using stack = new AsyncDisposableStack()
  const members = await Promise.all([startMember('left'), startMember('right')])
  for (const member of members) stack.use(member)
  const balancer = stack.use(await balance(members.map(({ port }) => port)))
  const narwhal = stack.use(await startUp())
  const repository = stack.use(await gitRepository({ files: { 'README.md': '' } }))
  const { path: cloneUrl } = repository
  await narwhal.client.addRepository({ name: 'ada/project', cloneUrl, pollIntervalMs: 0 })
  await narwhal.client.addRunner({ name: 'farm', url: balancer.url, balanced: true })
  await untilFarm(narwhal, { members: 2, slots: 4 })
  const owned = stack.move()
  return { narwhal, members, repository, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function untilFarm(
  { client }: Installation,
  expected: { members: number; slots: number },
): Promise<void> {
  await eventually(
    async () => {
      const farm = (await client.listRunners()).find(({ name }) => name === 'farm')
      assert.deepEqual({ members: farm?.members, slots: farm?.slots }, expected)
      assert.equal(farm?.state, 'online')
    },
    { timeoutMs: 45_000 },
  )
}

/** Commits a file with one job of one step for each script, and starts its pipeline. */
async function startJobs(farm: Farm, scripts: readonly string[]) {
  const jobs = Object.fromEntries(
    scripts.map((command, i) => [
      `job-${i}`,
      { labels: ['farm'], steps: [{ name: 'step', command }] },
    ]),
  )
  await farm.repository.commit({ 'narwhal.yml': JSON.stringify({ jobs }) })
  return (await farm.narwhal.client.startPipeline({ repository: 'ada/project' })).id
}

/** Which of the two processes runs something now, by the load that it tells at its own port. */
async function runningOn(farm: Farm, id: `pipeline_${string}`): Promise<string[]> {
  const { jobs } = await farm.narwhal.client.getPipeline(id)
  return jobs.filter(({ status }) => status === 'running').map(({ name }) => name)
}
