import { type GitRepository, gitRepository } from '../../test/support/git-repository.ts'
import {
  type Installation,
  push,
  type Registered,
  register,
} from '../../test/support/installation.ts'
import { LiveWatch } from '../support/live-watch.ts'
import { type PartTimes, partsOf } from './parts.ts'

/** One commit, from the webhook to green. */
export interface PipelineTime {
  readonly totalMs: number
  readonly parts: PartTimes
}

/** An installation with a repository that is ready to be pushed to, and a websocket that hears all. */
export interface MeasuredInstallation extends AsyncDisposable {
  /** Makes a new commit, sends its webhook, and waits for `success`; throws at any other outcome. */
  measure(signal: AbortSignal): Promise<PipelineTime>
}

export interface MeasuredOptions {
  /** None: the job has no image. */
  readonly image?: string
  readonly signal: AbortSignal
  /** What each step runs; a greeting unless told. */
  readonly command?: string
  /** How many steps the job has; one unless told. */
  readonly steps?: number
}

export async function openMeasured(
  installation: Installation,
  options: MeasuredOptions,
): Promise<MeasuredInstallation> {
  await using stack = new AsyncDisposableStack()
  const repository = stack.use(
    await gitRepository({ files: { 'narwhal.yml': pipelineFile(options) }, serve: true }),
  )
  const registered = await register(installation, repository.url)
  const watch = stack.use(await LiveWatch.open(installation, options.signal))
  const resources = stack.move()
  return {
    measure: (signal) => measureOne({ installation, repository, registered, watch }, signal),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

function pipelineFile({ image, command = 'echo hello', steps = 1 }: MeasuredOptions): string {
  const all = Array.from({ length: steps }, (_, n) => `  - name: s${n}\n    command: ${command}\n`)
  return `${image === undefined ? '' : `image: ${image}\n`}steps:\n${all.join('')}`
}

interface Measuring {
  readonly installation: Installation
  readonly repository: GitRepository
  readonly registered: Registered
  readonly watch: LiveWatch
}

let pushes = 0

async function measureOne(measuring: Measuring, signal: AbortSignal): Promise<PipelineTime> {
  const { installation, repository, registered, watch } = measuring
  const sha = await repository.commit({ 'README.md': `Push ${++pushes}\n` })
  // Not waited for yet: nothing may be missed while the webhook is on its way.
  const ending = watch.endOf(sha, signal)
  ending.catch(() => {})
  const sentAt = Date.now()
  const startedAt = performance.now()
  const reply = await push(installation, registered, { sha })
  const acceptedAt = Date.now()
  if (reply.status !== 202)
    throw new Error(`the webhook got ${reply.status}: ${JSON.stringify(reply.body)}`)
  const { pipeline, seenAt, seenAtEpochMs } = await ending
  if (pipeline.outcome !== 'success') {
    throw new Error(`${pipeline.id} ended in ${pipeline.outcome}: ${pipeline.reason}`)
  }
  const detail = await installation.client.getPipeline(pipeline.id)
  return {
    totalMs: seenAt - startedAt,
    parts: partsOf({ sentAt, acceptedAt, finishedAt: seenAtEpochMs }, detail),
  }
}
