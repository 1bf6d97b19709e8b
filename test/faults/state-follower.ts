import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { JobView, PipelineView } from '../../src/contract/rest/views.ts'
import type { Change, Ownership } from './evidence.ts'
import { machineMs } from './machine-clock.ts'

const POLL_MS = 200
const MOST_ROWS = 2_000

interface ChangeRow {
  readonly seq: string
  readonly kind: 'pipeline' | 'job' | 'runner'
  readonly data: string
  readonly at: string
}

interface OwnerRow {
  readonly id: string
  readonly dispatcher_id: string | null
  readonly term: string
  readonly seat_url: string | null
}

/**
 * Reads every state change as soon as it is committed, and to whom open pipelines belong, straight
 * from the database, past all that may fail; until its disposal.
 */
export class StateFollower implements AsyncDisposable {
  readonly changes: Change[] = []
  readonly owners: Ownership[] = []
  readonly #url: string
  readonly #nameAt: (url: string) => string | undefined
  readonly #pipelines = new Map<string, Map<string, PipelineView>>()
  readonly #terms = new Map<string, string>()
  readonly #stop = new AbortController()
  readonly #loop: Promise<void>
  #last = 0

  /** `nameAt` tells whose a URL is. */
  constructor(url: string, nameAt: (url: string) => string | undefined) {
    this.#url = url
    this.#nameAt = nameAt
    this.#loop = this.#follow()
  }

  /** Those of a commit, as they last changed; reruns are not among them. */
  pipelinesOf(sha: string): PipelineView[] {
    return [...(this.#pipelines.get(sha)?.values() ?? [])]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#loop
  }

  /** The database is restarted now and then: a lost connection is no error. */
  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const client = new Client({ connectionString: this.#url, connectionTimeoutMillis: 5_000 })
      client.on('error', () => {})
      try {
        await client.connect()
        while (!this.#stop.signal.aborted) {
          await this.#readChanges(client)
          await this.#readOwners(client)
          await this.#pause()
        }
      } catch {
        await this.#pause()
      } finally {
        await client.end().catch(() => {})
      }
    }
  }

  async #readChanges(client: Client): Promise<void> {
    const { rows } = await client.query<ChangeRow>(
      'select seq, kind, data, at from state_changes where seq > $1 order by seq limit $2',
      [this.#last, MOST_ROWS],
    )
    for (const { seq, kind, data, at } of rows) {
      this.#last = Number(seq)
      if (kind === 'runner') continue
      const view = JSON.parse(data) as PipelineView | JobView
      if (kind === 'pipeline') this.#keep(view as PipelineView)
      this.changes.push({
        seq: Number(seq),
        kind,
        id: view.id,
        pipelineId: 'pipelineId' in view ? view.pipelineId : view.id,
        status: view.status,
        outcome: view.outcome,
        ...('attempts' in view ? { attempt: view.attempt, ends: endsOf(view) } : {}),
        writtenWallMs: Number(at),
        seenAt: machineMs(),
      })
    }
  }

  #keep(pipeline: PipelineView): void {
    if (pipeline.rerunOf !== undefined) return
    const { sha } = pipeline.event
    const own = this.#pipelines.get(sha) ?? new Map<string, PipelineView>()
    this.#pipelines.set(sha, own.set(pipeline.id, pipeline))
  }

  async #readOwners(client: Client): Promise<void> {
    const { rows } = await client.query<OwnerRow>(
      `select pipelines.id, dispatcher_id, term, dispatchers.url as seat_url
       from pipelines left join dispatchers on dispatchers.id = dispatcher_id
       where status <> 'finished'`,
    )
    for (const row of rows) {
      const known = `${row.dispatcher_id ?? ''} ${row.term}`
      if (this.#terms.get(row.id) === known) continue
      this.#terms.set(row.id, known)
      this.owners.push({
        pipelineId: row.id,
        dispatcherId: row.dispatcher_id,
        owner: row.seat_url ? this.#nameAt(row.seat_url) : undefined,
        term: Number(row.term),
        seenAt: machineMs(),
      })
    }
  }

  async #pause(): Promise<void> {
    await sleep(POLL_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
  }
}

function endsOf({ attempts }: JobView): Record<number, string> {
  const over = attempts.filter(({ status }) => status === 'finished')
  return Object.fromEntries(over.map(({ number, outcome }) => [number, outcome ?? 'none']))
}
