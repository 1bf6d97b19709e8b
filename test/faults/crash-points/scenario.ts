import { randomUUID } from 'node:crypto'
import { ApiClient } from '../../../src/client/client.ts'
import type { PipelineWithJobs } from '../../../src/contract/rest/rest.ts'
import type { JobView, PipelineView } from '../../../src/contract/rest/views.ts'
import { eventually } from '../../support/eventually.ts'
import { deliver, pushPayload } from '../../support/github.ts'
import type { Registered } from '../../support/installation.ts'
import { FIRST_TOKEN } from '../../support/tokens.ts'

/** Two jobs, one after the other, and one beside them that never ends by itself. */
export const PIPELINE_FILE = `
jobs:
  build:
    steps:
      - name: compile
        command: |
          print build one
          print-error build two
          sleep 20
          print build three
  pack:
    needs: build
    steps:
      - name: archive
        command: |
          print pack one
          print pack two
  hold:
    steps:
      - name: wait
        command: |
          print hold
          sleep 3600000
`

/** Where people and the forge find what is played on; undefined while it is down. */
export interface Addresses {
  readonly agentUrl: string | undefined
  readonly apiUrl: string | undefined
}

export interface Play {
  readonly addresses: Addresses
  readonly repository: Registered
  readonly sha: string
  readonly signal: AbortSignal
}

/** Starting again, waiting for a dead seat to end, and one lease at the most, on a machine under load. */
const PATIENCE_MS = 90_000
const ANSWER_MS = 10_000

/**
 * A push is told by a webhook, the job that never ends is cancelled, and when all has ended the second
 * of the two is run again. Whoever does not get an answer looks what became of it, and says it
 * again only if it was not done; the forge, which can't look, delivers again.
 */
export async function playScenario(play: Play): Promise<void> {
  await tellPush(play)
  const { id } = await findPipeline(play)
  const look = (client: ApiClient): Promise<PipelineWithJobs> => client.getPipeline(id)
  await asked(play, 'the cancelled job', async (client) => {
    const hold = jobOf(await look(client), 'hold')
    if (hold.status === 'running') await client.cancelJob(hold.id)
    return hold.status === 'finished'
  })
  const before = await asked(play, 'the end of the pipeline', async (client) => {
    const found = await look(client)
    return found.pipeline.status === 'finished' && jobOf(found, 'pack').attempt
  })
  await asked(play, 'the job that runs again', async (client) => {
    const pack = jobOf(await look(client), 'pack')
    if (pack.attempt > before) return true
    await client.rerunJob(pack.id)
    return false
  })
  await untilEnded(play)
}

/** Resolves when the pipeline has ended. */
export async function untilEnded(play: Play): Promise<void> {
  const { id } = await findPipeline(play)
  await asked(play, `the end of ${id}`, async (client) => {
    return (await client.getPipeline(id)).pipeline.status === 'finished'
  })
}

async function tellPush({ addresses, repository, sha, signal }: Play): Promise<void> {
  const id = randomUUID()
  const { forge, secret } = repository
  await eventually(
    async () => {
      signal.throwIfAborted()
      const { agentUrl } = addresses
      if (!agentUrl) return false
      const patience = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
      const payload = pushPayload(forge, { sha })
      const push = { event: 'push', payload, secret, id, signal: patience }
      return (await deliver(agentUrl, push)).status < 300
    },
    { timeoutMs: PATIENCE_MS, message: 'the answer to the webhook' },
  )
}

async function findPipeline(play: Play): Promise<PipelineView> {
  return await asked(play, 'the pipeline', async (client) => {
    const pipelines = await client.listPipelines({ limit: 10 })
    return pipelines.find(({ event }) => event.sha === play.sha) ?? false
  })
}

/** Asks whoever is there again and again, until it says something else than false. */
async function asked<Answer>(
  { addresses, signal }: Play,
  message: string,
  ask: (client: ApiClient) => Promise<Answer | false>,
): Promise<Answer> {
  const { answer } = await eventually(
    async () => {
      signal.throwIfAborted()
      if (!addresses.apiUrl) return false
      const patience = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
      const answer = await ask(
        new ApiClient({ server: addresses.apiUrl, token: FIRST_TOKEN }, patience),
      )
      return answer !== false && { answer }
    },
    { timeoutMs: PATIENCE_MS, message },
  )
  return answer
}

function jobOf({ jobs }: PipelineWithJobs, name: string): JobView {
  const job = jobs.find((one) => one.name === name)
  if (!job) throw new Error(`the pipeline has no job ${name} yet`)
  return job
}
