import { Counter } from '@prometheus-io/client'
import type { Refusal } from '../../core/delivery/delivery-result.ts'
import type { RepositoryId } from '../../core/ids.ts'
import type { Metrics } from '../../http/metrics.ts'
import { describeError } from '../../lib/errors.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import type { RefusedDeliveries } from '../../store/delivery-records.ts'
import type { Uses } from '../../store/store.ts'
import { WrongSignatures } from './wrong-signatures.ts'

/** Between writes: however many are refused, this is one transaction. */
const WRITE_MS = 1_000
/** In one write; a forge with a wrong setting has one. */
const MOST_ROWS = 100
const LONGEST_MESSAGE = 500
const REPOSITORY_ID = /^repo_\w{1,80}$/

/** A webhook that was refused. */
export interface RefusedRequest {
  readonly refusal: Refusal
  readonly message: string
  /** The id in the path; anyone can write one. */
  readonly repositoryId: string | undefined
  readonly event: string | undefined
  /** Where it came from. */
  readonly address: string
}

/**
 * Makes refused webhooks visible: counts them, logs them, and records them with the repository in their path. Most
 * of what it is told isn't signed, so it must not cost a write each, nor may it displace anything: a repository
 * has one row for each reason, rows are written together once a second, and beyond 30 a minute from one address
 * refusals are only counted.
 */
export class RefusalLog implements AsyncDisposable {
  readonly #store: Uses<'transact'>
  readonly #log: Logger
  readonly #counter: Counter<'reason'>
  readonly #addresses = new WrongSignatures()
  #rows = new Map<string, RefusedDeliveries>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(deps: { store: Uses<'transact'>; log: Logger; metrics: Metrics }) {
    this.#store = deps.store
    this.#log = deps.log
    this.#counter = new Counter({
      name: 'narwhal_webhooks_refused_total',
      help: 'Webhooks that were refused, by reason.',
      labelNames: ['reason'],
      registers: [deps.metrics],
    })
  }

  note({ refusal, message, repositoryId, event, address }: RefusedRequest): void {
    this.#counter.inc({ reason: refusal })
    if (this.#addresses.waitMs(address) > 0) return
    this.#addresses.note(address)
    const facts = { reason: refusal, ...present({ repository: repositoryId, event }) }
    this.#log.warn({ ...facts, why: firstLine(message, LONGEST_MESSAGE) }, 'webhook refused')
    if (repositoryId === undefined || !REPOSITORY_ID.test(repositoryId)) return
    const at = Date.now()
    this.#add({
      repositoryId: repositoryId as RepositoryId,
      refusal,
      ...present({ event }),
      message: firstLine(message, LONGEST_MESSAGE),
      count: 1,
      firstAt: at,
      lastAt: at,
    })
  }

  #add(one: RefusedDeliveries): void {
    const key = `${one.repositoryId} ${one.refusal}`
    const earlier = this.#rows.get(key)
    if (!earlier && this.#rows.size >= MOST_ROWS) return
    const sum = earlier && { count: earlier.count + 1, firstAt: earlier.firstAt }
    this.#rows.set(key, { ...one, ...sum })
    this.#timer ??= setTimeout(() => this.#write(), WRITE_MS).unref()
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const rows = [...this.#rows.values()]
    if (rows.length === 0) return
    this.#rows = new Map()
    this.#writing = this.#store
      .transact((write) => write.deliveries.noteRefused(rows))
      .then(() => undefined)
      .catch((error: unknown) => {
        this.#log.warn({ reason: describeError(error) }, "refused webhooks can't be recorded")
      })
  }

  /** Writes what isn't yet. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
    this.#write()
    await this.#writing
  }
}
