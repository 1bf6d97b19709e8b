import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { findProgram, PROGRAM_ENV } from '../../lib/programs/machine-programs.ts'

import { findSubordinateIds, type SubordinateIds } from './subordinate-ids.ts'

const run = promisify(execFile)

const TIMEOUT_MS = 10_000

/** How an ordinary user's containers are started: inside a user namespace that has many ids. */
export interface OuterNamespace {
  /** To be put before a command, which then is root in the namespace. */
  readonly enter: readonly [string, ...string[]]
  /** How many ids it has, from 0. */
  readonly count: number
}

let known: OuterNamespace | undefined

/**
 * Tries to create a user namespace with this user's subordinate ids. Resolves to one sentence if that fails:
 * what is missing, and the command that provides it. What works is not tried again: files have their owners from
 * there.
 */
export async function findOuterNamespace(): Promise<OuterNamespace | string> {
  if (known) return known
  const found = await tryOuterNamespace()
  if (typeof found !== 'string') known = found
  return found
}

async function tryOuterNamespace(): Promise<OuterNamespace | string> {
  const { username, uid } = userInfo()
  const ids = await findSubordinateIds(username, uid)
  const outer = ids && outerNamespace(ids)
  const failure = outer ? await tryNamespace(outer) : ''
  if (outer && failure === '') return outer
  return namespaceTrouble(await readNamespaceFacts(username, ids, failure))
}

function outerNamespace({ users, groups }: SubordinateIds): OuterNamespace {
  // The container's root has an id of its own besides the subordinate ones.
  const most = Math.min(users.count, groups.count)
  const map = (first: number) => `${first},1,${most}`
  const maps = [`--map-users=${map(users.first)}`, `--map-groups=${map(groups.first)}`]
  return { enter: ['unshare', '--user', '--map-root-user', ...maps], count: most + 1 }
}

async function tryNamespace({ enter }: OuterNamespace): Promise<string> {
  const [program, ...args] = [...enter, '--mount', 'true']
  const attempt = run(program, args, { timeout: TIMEOUT_MS, env: PROGRAM_ENV })
  return attempt.then(
    () => '',
    (error: Error & { stderr?: string }) => error.stderr?.trim().split('\n')[0] || error.message,
  )
}

/** What decides whether an ordinary user may create a user namespace with many ids. */
export interface NamespaceFacts {
  readonly user: string
  readonly ids: SubordinateIds | undefined
  readonly hasMapPrograms: boolean
  /** The values of the kernel's settings, `''` if a kernel lacks one. */
  readonly mostNamespaces: string
  readonly unprivilegedClone: string
  readonly restrictedByAppArmor: string
  /** What `unshare` said; empty if it was not tried. */
  readonly failure: string
}

/** One sentence: what is missing, and the command that provides it. */
export function namespaceTrouble(facts: NamespaceFacts): string {
  const { user, ids, failure } = facts
  if (facts.mostNamespaces === '0') {
    return 'the kernel allows no user namespaces (user.max_user_namespaces is 0): sysctl -w user.max_user_namespaces=15000'
  }
  if (facts.unprivilegedClone === '0') {
    return 'the kernel allows ordinary users no user namespaces: sysctl -w kernel.unprivileged_userns_clone=1'
  }
  if (!facts.hasMapPrograms) {
    return 'newuidmap and newgidmap are not installed: apt-get install uidmap (shadow-utils in Fedora)'
  }
  if (!ids) {
    return `the user ${user} has no subordinate ids: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user}`
  }
  if (facts.restrictedByAppArmor === '1') {
    return 'AppArmor allows ordinary users no rights in user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or a profile with `userns,` for /usr/bin/unshare'
  }
  if (/unrecognized option|invalid option/.test(failure)) {
    return 'unshare is too old to map many ids: install util-linux 2.38 or later'
  }
  return `a user namespace with many ids can't be created: ${failure}`
}

async function readNamespaceFacts(
  user: string,
  ids: SubordinateIds | undefined,
  failure: string,
): Promise<NamespaceFacts> {
  const setting = async (path: string) =>
    (await readFile(`/proc/sys/${path}`, 'utf8').catch(() => '')).trim()
  const [newuidmap, newgidmap, mostNamespaces, unprivilegedClone, restrictedByAppArmor] =
    await Promise.all([
      findProgram('newuidmap'),
      findProgram('newgidmap'),
      setting('user/max_user_namespaces'),
      setting('kernel/unprivileged_userns_clone'),
      setting('kernel/apparmor_restrict_unprivileged_userns'),
    ])
  return {
    user,
    ids,
    hasMapPrograms: newuidmap !== undefined && newgidmap !== undefined,
    mostNamespaces,
    unprivilegedClone,
    restrictedByAppArmor,
    failure,
  }
}
