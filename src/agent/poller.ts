import { setTimeout as sleep } from 'node:timers/promises'
import { isRef, isSha } from '../core/commit-event.ts'
import { requestRefs } from '../core/forges.ts'
import type { RepositoryId } from '../core/ids.ts'
import { decideTrust } from '../core/stranger/stranger.ts'
import { describeError } from '../lib/errors.ts'
import type { GitEnv } from '../lib/git/git.ts'
import { listRemote } from '../lib/git/list-remote.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import type { RepositoryRecord } from '../store/records.ts'
import type { Reads } from '../store/store.ts'
import { cloneOf } from '../vault/git-credentials.ts'
import type { Vault } from '../vault/vault.ts'
import type { Intake } from './intake.ts'
import type { NewEvent } from './webhook/write-deliveries.ts'

const TICK_MS = 1_000
const MAX_CONCURRENT = 4

interface Poll {
  readonly dueAt: number
  readonly failures: number
  /** What was polled, and how often: a repository that was changed is due at once. */
  readonly of: string
}

/**
 * Polls repositories for new commits by listing their refs, each at its own interval. Serves repositories
 * without webhooks and finds commits of missed webhooks. An unreachable repository is retried with
 * back-off, at least every ten minutes.
 */
export class Poller {
  readonly #store: Reads<'heads' | 'repositories'>
  readonly #intake: Intake
  readonly #vault: Vault
  readonly #gitEnv: GitEnv
  readonly #log: Logger
  readonly #polls = new Map<RepositoryId, Poll>()

  constructor(deps: {
    store: Reads<'heads' | 'repositories'>
    intake: Intake
    vault: Vault
    gitEnv: GitEnv
    log: Logger
  }) {
    this.#store = deps.store
    this.#intake = deps.intake
    this.#vault = deps.vault
    this.#gitEnv = deps.gitEnv
    this.#log = deps.log
  }

  /** Polls until aborted; each iteration waits for the next second or the abort. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#pollDue(signal)
      } catch (error) {
        this.#log.warn({ reason: describeError(error) }, 'polling failed: retrying')
      }
      await sleep(TICK_MS, undefined, { signal }).catch(() => undefined)
    }
  }

  async #pollDue(signal: AbortSignal): Promise<void> {
    const repositories = await this.#store.repositories.list()
    const known = new Set(repositories.map((repository) => repository.id))
    for (const id of this.#polls.keys()) if (!known.has(id)) this.#polls.delete(id)
    const due = repositories.filter(
      (repository) => repository.pollIntervalMs > 0 && this.#dueAt(repository) <= Date.now(),
    )
    for (let i = 0; i < due.length && !signal.aborted; i += MAX_CONCURRENT) {
      await Promise.all(due.slice(i, i + MAX_CONCURRENT).map((one) => this.#poll(one, signal)))
    }
  }

  #dueAt(repository: RepositoryRecord): number {
    const poll = this.#polls.get(repository.id)
    return poll?.of === originOf(repository) ? poll.dueAt : 0
  }

  async #poll(repository: RepositoryRecord, signal: AbortSignal): Promise<void> {
    let failures = 0
    try {
      await this.pollOnce(repository, signal)
    } catch (error) {
      if (signal.aborted) return
      failures = (this.#polls.get(repository.id)?.failures ?? 0) + 1
      const facts = { repository: repository.name, reason: describeError(error) }
      if (failures === 1) this.#log.warn(facts, 'polling a repository failed: retrying')
    }
    const backoff = Math.min(2 ** failures, Math.max(1, 600_000 / repository.pollIntervalMs))
    const dueAt = Date.now() + repository.pollIntervalMs * backoff
    this.#polls.set(repository.id, { dueAt, failures, of: originOf(repository) })
  }

  /** Polls once, now; rejects with `unavailable` if the repository can't be reached. */
  async pollOnce(repository: RepositoryRecord, signal?: AbortSignal): Promise<void> {
    const clone = cloneOf(this.#vault, repository)
    // Read before the remote: a webhook that arrives meanwhile must not make older heads look new.
    const heads = await this.#store.heads.list(repository.id)
    const remote = await listRemote(clone, refPatterns(repository.forge), {
      env: this.#gitEnv,
      ...present({ signal }),
    })
    const toldAt = Date.now()
    const known = new Map(heads.map(({ ref, sha }) => [ref, sha]))
    const events: NewEvent[] = []
    for (const [ref, sha] of remote) {
      if (known.get(ref) !== sha && isRef(ref) && isSha(sha)) {
        events.push(eventOf(repository, { ref, sha, before: known.get(ref), toldAt }))
      }
    }
    const gone = heads
      .filter(({ ref }) => !remote.has(ref))
      .map(({ ref, sha }) => ({ ref, before: sha }))
    if (events.length > 0 || gone.length > 0) {
      await this.#intake.acceptPoll(repository.id, { found: events, gone })
    }
  }
}

function originOf(repository: RepositoryRecord): string {
  const { cloneUrl, forge, pollIntervalMs, gitCredentials = '' } = repository
  return `${forge} ${pollIntervalMs} ${cloneUrl} ${gitCredentials}`
}

/** The polled refs: branches, tags, and the heads of pull requests where the forge has refs for them. */
export function refPatterns(forge: RepositoryRecord['forge']): string[] {
  return ['refs/heads/*', 'refs/tags/*', ...requestRefs(forge)]
}

/** A ref as just polled, and its commit before. */
interface RemoteHead {
  readonly ref: string
  readonly sha: string
  readonly before: string | undefined
  readonly toldAt: number
}

function eventOf(repository: RepositoryRecord, { ref, sha, before, toldAt }: RemoteHead): NewEvent {
  const kind = ref.startsWith('refs/tags/')
    ? 'tag'
    : ref.startsWith('refs/heads/')
      ? 'push'
      : 'pull_request'
  return {
    repositoryId: repository.id,
    kind,
    ref,
    sha,
    before: before ?? '',
    // The runner reads both from the commit when it plans the pipeline.
    title: '',
    author: '',
    trust: decideTrust({ kind, ref, source: 'poll' }, {}, repository),
    // A pull request is not compared with its previous head.
    details: { toldAt, ...(before && ref.startsWith('refs/heads/') ? { base: before } : {}) },
    source: 'poll',
  }
}
