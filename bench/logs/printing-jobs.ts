import { createHash, type Hash } from 'node:crypto'
import type { PipelineWithJobs } from '../../src/contract/rest/rest.ts'
import type { JobView } from '../../src/contract/rest/views.ts'
import { eventually } from '../../test/support/eventually.ts'
import { type GitRepository, gitRepository } from '../../test/support/git-repository.ts'
import { type Installation, type Registered, register } from '../../test/support/installation.ts'
import { bearer } from '../../test/support/tokens.ts'
import { printedBlock } from './printed-block.ts'

const JOB_MS = 240_000

/** A job that prints the block so often, and what its log must be. */
export interface PrintedLog {
  readonly job: JobView
  readonly lines: number
  readonly bytes: number
  /** From the start of the step to the news that the pipeline has succeeded. */
  readonly ms: number
}

/** Runs jobs that print, one after the other, from a repository with the block in it. */
export class PrintingJobs implements AsyncDisposable {
  readonly #installation: Installation
  readonly #repository: GitRepository
  readonly #registered: Registered
  readonly #image: string | undefined
  readonly #block = printedBlock()

  private constructor(
    installation: Installation,
    parts: { repository: GitRepository; registered: Registered; image: string | undefined },
  ) {
    this.#installation = installation
    this.#repository = parts.repository
    this.#registered = parts.registered
    this.#image = parts.image
  }

  /** Without an image, jobs run over the machine's own root. */
  static async open(installation: Installation, image: string | undefined): Promise<PrintingJobs> {
    const files = { 'block.txt': printedBlock() }
    const repository = await gitRepository({ files, serve: true })
    const registered = await register(installation, repository.url)
    return new PrintingJobs(installation, { repository, registered, image })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#repository[Symbol.asyncDispose]()
  }

  /** Prints a line with the machine's uptime every 20 ms, so often; resolves once it has begun. */
  async startTicks(count: number): Promise<JobView> {
    const tick = 'read -r now _ < /proc/uptime; echo "$now tick $n"; sleep 0.02'
    const id = await this.#start(`n=0; while [ $n -lt ${count} ]; do ${tick}; n=$((n+1)); done`)
    return await eventually(
      async () => {
        const { jobs } = await this.#installation.client.getPipeline(id)
        return jobs.find(({ status }) => status === 'running') ?? null
      },
      { message: 'the job that ticks', timeoutMs: JOB_MS },
    )
  }

  /** Prints the block so often, and waits for the end. */
  async print(times: number): Promise<PrintedLog> {
    const id = await this.#start(
      `n=0; while [ $n -lt ${times} ]; do cat block.txt; n=$((n+1)); done`,
    )
    const { jobs } = await this.#end(id)
    const endedAt = Date.now()
    const [job] = jobs
    const startedAt = job?.attempts.at(-1)?.steps[0]?.startedAt
    if (!job || startedAt === undefined) throw new Error('the job has no step')
    const lines = times * (this.#block.split('\n').length - 1)
    return { job, lines, bytes: times * Buffer.byteLength(this.#block), ms: endedAt - startedAt }
  }

  /** Downloads the log; throws where it is not what was printed. Resolves to megabytes a second. */
  async check({ job, bytes, lines }: PrintedLog, times: number): Promise<number> {
    const stored = job.attempts.at(-1)?.lines
    if (stored !== lines) throw new Error(`${stored} lines are stored of ${lines}`)
    const startedAt = performance.now()
    const path = `/api/v1/jobs/${job.id}/attempts/${job.attempt}/log.txt`
    const { url, token } = this.#installation
    const response = await fetch(url + path, { headers: bearer(token) })
    const hash = createHash('sha1')
    let read = 0
    for await (const chunk of response.body ?? []) {
      hash.update(chunk)
      read += chunk.length
    }
    const seconds = (performance.now() - startedAt) / 1000
    if (read !== bytes || hash.digest('hex') !== this.#hashOf(times)) {
      throw new Error(`the log of ${bytes} bytes came back as ${read} others`)
    }
    return bytes / 1e6 / seconds
  }

  #hashOf(times: number): string {
    const hash: Hash = createHash('sha1')
    for (let n = 0; n < times; n++) hash.update(this.#block)
    return hash.digest('hex')
  }

  async #start(command: string): Promise<`pipeline_${string}`> {
    const image = this.#image === undefined ? '' : `image: ${this.#image}\n`
    const file = `${image}steps:\n  - name: print\n    command: '${command}'\n`
    const ref = await this.#repository.commit({ 'narwhal.yml': file })
    const { client } = this.#installation
    return (await client.startPipeline({ repository: this.#registered.id, ref })).id
  }

  async #end(id: `pipeline_${string}`): Promise<PipelineWithJobs> {
    const found = await eventually(
      async () => {
        const { pipeline } = await this.#installation.client.getPipeline(id)
        return pipeline.status === 'finished' ? pipeline : null
      },
      { message: `the end of ${id}`, timeoutMs: JOB_MS },
    )
    if (found.outcome !== 'success') throw new Error(`${id}: ${found.outcome}, ${found.reason}`)
    return await this.#installation.client.getPipeline(id)
  }
}
