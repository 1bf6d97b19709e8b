import { setTimeout as sleep } from 'node:timers/promises'
import { ApiClient } from '../../src/client/client.ts'
import type { PipelineView } from '../../src/contract/rest/views.ts'
import { NarwhalError } from '../../src/lib/errors.ts'
import { eventually } from '../support/eventually.ts'
import { type GitRepository, gitRepository } from '../support/git-repository.ts'
import { deliver, type ForgeRepository, pushPayload } from '../support/github.ts'
import { FIRST_TOKEN } from '../support/tokens.ts'
import type { Cancel, Delivery, PushedCommit } from './evidence.ts'
import { machineMs } from './machine-clock.ts'
import type { LoadShape } from './options.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { StateFollower } from './state-follower.ts'
import { filesOf, makeJobs } from './work-script.ts'

export interface LoadOptions {
  readonly random: SeededRandom
  readonly agentUrls: readonly string[]
  readonly webUrls: readonly string[]
  readonly follower: StateFollower
  readonly witnessFolder: string
  readonly maxOpenPipelines: number
  readonly shape: Partial<LoadShape>
  /** How many runners must be there before anything is pushed. */
  readonly runners: number
  readonly signal: AbortSignal
}

interface Project {
  readonly git: GitRepository
  readonly forge: ForgeRepository
  readonly secret: string
  /** Where its branch was, the newest last; '': it was not there. */
  readonly positions: string[]
}

/** A commit, to which its branch may be moved again. */
type OpenCommit = PushedCommit & { readonly moves: string[] }

/** A move of a branch, as the forge tells of it. */
interface Move {
  readonly id: string
  readonly sha: string
  readonly before: string
  readonly ref: string
  readonly title: string
}

const PROJECTS = 2
const ANSWER_WITHIN_MS = 10_000
/** A forge's operator, or a poll, asks again for a long time; a client that gave up proves nothing. */
const RETRY_FOR_MS = 90_000
const TWICE = 0.25
const REPLAYED = 0.15
const LATE = 0.2
const CANCELLED = 0.25
const CANCEL_WITHIN_MS = 8_000
const REPLAY_WITHIN_MS = 10_000
const PUSH_GAP_MS = 600
const PUSHED_BACK = 0.2
/** How far back, at most, in commits. */
const FARTHEST_BACK = 4

/** A forge and the people at it: pushes commits, tells of them by webhooks, cancels some. */
export class Load implements AsyncDisposable {
  readonly commits: OpenCommit[] = []
  readonly deliveries: Delivery[] = []
  readonly cancels: Cancel[] = []
  readonly #options: LoadOptions
  readonly #stack = new AsyncDisposableStack()
  readonly #projects: Project[] = []
  /** All that goes on besides pushing; none of it rejects. */
  readonly #tasks = new Set<Promise<void>>()
  #ids = 0
  #moves = 0

  constructor(options: LoadOptions) {
    this.#options = options
  }

  /** Waits for the runners, makes the repositories and registers them. */
  async prepare(): Promise<void> {
    await eventually(() => this.#hasRunners(), {
      message: 'all runners to be there',
      timeoutMs: 60_000,
    })
    for (let index = 1; index <= PROJECTS; index++) {
      const git = this.#stack.use(await gitRepository({ serve: true }))
      const fullName = `faults/project-${index}`
      const webhook = await eventually(() => this.#register(fullName, git.url), {
        message: 'a repository to be registered',
        timeoutMs: 30_000,
      })
      const { secret } = webhook
      const forge = { id: 4000 + index, fullName }
      this.#projects.push({ git, forge, secret, positions: [''] })
    }
  }

  /** Goes on until the signal, and then until all that was begun is over. */
  async run(until: AbortSignal): Promise<void> {
    const { random, maxOpenPipelines, shape } = this.#options
    while (!until.aborted) {
      if (this.openCommits.length < maxOpenPipelines) {
        const project = random.pick(this.#projects)
        await this.#push(project)
        if (random.chance(shape.pushedBack ?? PUSHED_BACK)) await this.#pushBack(project)
      }
      const pause = random.exponential(shape.pushGapMs ?? PUSH_GAP_MS)
      await sleep(pause, undefined, { signal: until }).catch(() => undefined)
    }
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
  }

  /** Those whose pipelines have not ended yet, or are not even there. */
  get openCommits(): readonly PushedCommit[] {
    const { follower } = this.#options
    return this.commits.filter(({ sha, moves }) => {
      const pipelines = follower.pipelinesOf(sha)
      return pipelines.length < moves.length || pipelines.some((one) => one.status !== 'finished')
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }

  async #hasRunners(): Promise<boolean> {
    const runners = await this.#client(this.#options.random.fork('runners')).listRunners()
    const online = runners.filter(({ state }) => state === 'online')
    return online.length >= this.#options.runners
  }

  async #register(name: string, cloneUrl: string) {
    const server = this.#options.random.pick(this.#options.webUrls)
    const client = new ApiClient({ server, token: FIRST_TOKEN }, this.#options.signal)
    const forge = 'github' as const
    const { webhook } = await client.addRepository({ name, cloneUrl, forge, pollIntervalMs: 0 })
    return webhook ?? null
  }

  async #push(project: Project): Promise<void> {
    const { random, witnessFolder, shape } = this.#options
    const title = `commit ${this.commits.length + 1}`
    const jobs = makeJobs(random, title, shape)
    const sha = await project.git.commit(filesOf(jobs, witnessFolder), title)
    const { fullName } = project.forge
    const commit = { sha, ref: 'refs/heads/main', repository: fullName, jobs, moves: [] }
    this.commits.push(commit)
    this.#move(project, commit, title)
    const isCancelled = random.chance(shape.cancelled ?? CANCELLED)
    if (isCancelled) this.#start(this.#cancel(sha, random.fork(`cancel ${sha}`)))
  }

  /** Moves the branch back to a commit that was built: the next push goes on from there. */
  async #pushBack(project: Project): Promise<void> {
    const { random } = this.#options
    const former = project.positions.slice(-1 - FARTHEST_BACK, -1).filter((sha) => sha !== '')
    if (former.length === 0) return
    const sha = random.pick(former)
    const commit = this.commits.find((one) => one.sha === sha)
    if (!commit || sha === project.positions.at(-1)) return
    await project.git.git('reset', '--quiet', '--hard', sha)
    this.#move(project, commit, `back to ${sha}`)
  }

  /** Tells of a move of the branch: perhaps late, twice, or as another delivery. */
  #move(project: Project, commit: OpenCommit, title: string): void {
    const { random, shape } = this.#options
    const { sha, ref } = commit
    const move = {
      id: `move-${++this.#moves}`,
      sha,
      ref,
      title,
      before: project.positions.at(-1) ?? '',
    }
    commit.moves.push(move.id)
    project.positions.push(sha)
    const sends = [
      { id: this.#newId(), delayMs: random.chance(LATE) ? random.between(0, 3_000) : 0 },
    ]
    const [first] = sends
    // The same delivery again, at the same moment; or the same push as another delivery, later on.
    if (first && random.chance(shape.twice ?? TWICE)) sends.push({ ...first })
    if (random.chance(shape.replayed ?? REPLAYED)) {
      const withinMs = shape.replayWithinMs ?? REPLAY_WITHIN_MS
      sends.push({ id: this.#newId(), delayMs: random.between(0, withinMs) })
    }
    for (const send of sends) {
      const agents = random.fork(`${send.id} ${sends.indexOf(send)}`)
      this.#start(this.#tell(project, move, { ...send, random: agents }))
    }
  }

  /** Sends a webhook until it is answered by yes. */
  async #tell(
    { forge, secret }: Project,
    move: Move,
    how: { id: string; delayMs: number; random: SeededRandom },
  ): Promise<void> {
    await this.#pause(how.delayMs)
    const before = move.before || '0'.repeat(40)
    const payload = pushPayload(forge, { ...move, before, pushedAt: Number(move.id.slice(5)) })
    const deadline = machineMs() + RETRY_FOR_MS
    do {
      const agent = how.random.pick(this.#options.agentUrls)
      const sentAt = machineMs()
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
      const one = { event: 'push', payload, secret, id: how.id, signal }
      const status = await deliver(agent, one).then(
        (reply) => reply.status,
        () => undefined,
      )
      const acked = status !== undefined && status >= 200 && status < 300
      const result = acked ? 'acked' : status === undefined ? 'unknown' : 'refused'
      const answeredAt = machineMs()
      this.deliveries.push({
        id: how.id,
        sha: move.sha,
        move: move.id,
        agent,
        sentAt,
        answeredAt,
        result,
        ...(status === undefined ? {} : { status }),
      })
      if (acked) return
      await this.#pause(how.random.between(100, 1_000))
    } while (machineMs() < deadline && !this.#options.signal.aborted)
  }

  /** Cancels the pipeline or one of its jobs at a moment of its life. */
  async #cancel(sha: string, random: SeededRandom): Promise<void> {
    const { follower, signal, shape } = this.#options
    const pipeline = await eventually(() => follower.pipelinesOf(sha)[0] ?? null, {
      timeoutMs: RETRY_FOR_MS,
    }).catch(() => undefined)
    await this.#pause(random.between(0, shape.cancelWithinMs ?? CANCEL_WITHIN_MS))
    if (!pipeline || signal.aborted) return
    const target = await this.#chooseTarget(pipeline, random)
    const deadline = machineMs() + RETRY_FOR_MS
    do {
      const askedAt = machineMs()
      const result = await this.#ask(target, random)
      this.cancels.push({ ...target, askedAt, answeredAt: machineMs(), result })
      if (result !== 'unknown') return
      await this.#pause(random.between(100, 1_000))
    } while (machineMs() < deadline && !signal.aborted)
  }

  async #chooseTarget(
    pipeline: PipelineView,
    random: SeededRandom,
  ): Promise<Pick<Cancel, 'kind' | 'id'>> {
    const whole = { kind: 'pipeline', id: pipeline.id } as const
    if (random.chance(0.5)) return whole
    const found = await this.#client(random)
      .getPipeline(pipeline.id)
      .catch(() => undefined)
    const open = found?.jobs.filter(({ status }) => status !== 'finished') ?? []
    return open.length > 0 ? { kind: 'job', id: random.pick(open).id } : whole
  }

  async #ask(
    { kind, id }: Pick<Cancel, 'kind' | 'id'>,
    random: SeededRandom,
  ): Promise<Cancel['result']> {
    const client = this.#client(random)
    try {
      if (kind === 'pipeline') await client.cancelPipeline(id as `pipeline_${string}`)
      else await client.cancelJob(id as `job_${string}`)
      return 'acked'
    } catch (error) {
      return NarwhalError.from(error).code === 'conflict' ? 'over' : 'unknown'
    }
  }

  #client(random: SeededRandom): ApiClient {
    const patience = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const signal = AbortSignal.any([this.#options.signal, patience])
    return new ApiClient({ server: random.pick(this.#options.webUrls), token: FIRST_TOKEN }, signal)
  }

  #start(task: Promise<void>): void {
    this.#tasks.add(task)
    void task.finally(() => this.#tasks.delete(task))
  }

  #newId(): string {
    return `delivery-${++this.#ids}`
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => undefined)
  }
}
