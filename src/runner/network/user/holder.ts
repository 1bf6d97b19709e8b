import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { NarwhalError } from '../../../lib/errors.ts'
import { findOuterNamespace } from '../../user-namespace/outer-namespace.ts'
import { ipBatch, NAMESPACE_BASICS } from '../inside.ts'

export const USER_ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

/**
 * Whose ids its user namespace has: the `current` user's own, under the same number; or, for containers, `all`
 * that the user has, with the user as root: its subordinate ids, if there are any.
 */
export type HolderIds = 'current' | 'all'

/** A process that only holds a user and a network namespace of its own. */
export interface UserHolder extends AsyncDisposable {
  readonly pid: number
  readonly ids: 'current' | 'all' | 'one'
}

const CURRENT = ['unshare', '--user', '--map-current-user']
const ONE = ['unshare', '--user', '--map-root-user', '--mount']
const HOLD = 'echo ready; exec setpriv --pdeathsig KILL sleep infinity'
/** Services have namespaces of their own beside it, by name, where nobody else sees them. */
const HOLD_FOR_CONTAINERS = [
  'set -e',
  'mount -t tmpfs -o mode=755 tmpfs /run',
  'mkdir /run/netns',
  ...NAMESPACE_BASICS,
  ipBatch(['link set dev lo up']),
  HOLD,
].join('\n')

/** Rejects with `unavailable` and the reason if this user can make no such namespaces. */
export async function openHolder(ids: HolderIds): Promise<UserHolder> {
  if (ids === 'current') return await hold('current', CURRENT, HOLD)
  const outer = await findOuterNamespace()
  // The user may have no subordinate ids.
  if (typeof outer === 'string') return await hold('one', ONE, HOLD_FOR_CONTAINERS)
  return await hold('all', [...outer.enter, '--mount'], HOLD_FOR_CONTAINERS)
}

async function hold(
  ids: UserHolder['ids'],
  unshare: readonly string[],
  script: string,
): Promise<UserHolder> {
  await using stack = new AsyncDisposableStack()
  const [program, ...args] = [...unshare, '--net', '--', '/bin/sh', '-c', script]
  const child = spawn(program, args, { env: USER_ENV, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = text(child.stderr)
  said.catch(() => {})
  stack.defer(() => endOf(child))
  const failed = once(child, 'close').then(async () => {
    throw new NarwhalError('unavailable', `creating a network failed: ${(await said).trim()}`)
  })
  failed.catch(() => {})
  await Promise.race([once(child.stdout, 'data'), failed])
  const owned = stack.move()
  return { pid: child.pid ?? 0, ids, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Ends a program that ends with its input, or else kills it. */
export async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  if (child.stdin) child.stdin.end('\n')
  else child.kill('SIGKILL')
  await closed
}
