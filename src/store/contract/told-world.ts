import assert from 'node:assert/strict'
import type { Telling } from '../../core/moves/telling.ts'
import type { AcceptedEvent } from '../records.ts'
import { anEvent, type OpenDatabase, openWorld, seedRepository } from './fixtures.ts'

export const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string,
  string,
]
export const MAIN = 'refs/heads/main'
export const REQUEST = 'refs/pull/7/head'

/** One repository, and what is told of it. */
export async function openTold(open: OpenDatabase) {
  await using stack = new AsyncDisposableStack()
  const { store } = stack.use(await openWorld(open))
  const repository = await seedRepository(store)
  const accept = async (sha: string, told: Partial<Telling> = {}): Promise<AcceptedEvent> => {
    const telling = { ...anEvent(repository.id, { ref: MAIN, sha }), ...told }
    const { result } = await store.transact((write) => write.events.accept([telling]))
    assert.ok(result[0])
    return result[0]
  }
  /** What became of a telling, in a word. */
  const tell = async (sha: string, told: Partial<Telling> = {}): Promise<string> => {
    const { created, isCompleted, unsure } = await accept(sha, told)
    if (created) return 'new'
    if (unsure) return `unsure, likely ${unsure}`
    return isCompleted ? 'completed' : 'known'
  }
  const poll = (sha: string, before: string, told: Partial<Telling> = {}): Promise<string> =>
    tell(sha, { before, source: 'poll', title: '', author: '', trust: {}, ...told })
  const gone = async (
    before: string | undefined,
    told: { found?: 'here' | 'elsewhere'; ref?: string; source?: 'poll' } = {},
  ): Promise<boolean> => {
    const telling = { repositoryId: repository.id, ref: MAIN, source: 'webhook', ...told } as const
    const { result } = await store.transact((write) =>
      write.events.noteGone([before === undefined ? telling : { ...telling, before }]),
    )
    return result[0] ?? false
  }
  const position = async (ref = MAIN): Promise<string> =>
    (await store.heads.list(repository.id)).find((head) => head.ref === ref)?.sha ?? ''
  const owned = stack.move()
  const dispose = (): Promise<void> => owned.disposeAsync()
  const told = { store, repository, accept, tell, poll, gone, position }
  return { ...told, [Symbol.asyncDispose]: dispose }
}
