import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../../lib/errors.ts'
import { readNameServers } from '../machine.ts'
import { endOf, type HolderIds, openHolder, USER_ENV, type UserHolder } from './holder.ts'

/** Programs with which an ordinary user connects a namespace. */
export type UserModeProgram = 'pasta' | 'slirp4netns'

/** A network namespace of one job, with a process that forwards its packets. */
export interface UserNetwork extends AsyncDisposable {
  readonly holder: Pick<UserHolder, 'pid' | 'ids'>
  /** The command prefix for a program in it, as the same user. */
  readonly enter: readonly string[]
  readonly resolvConf: string
  readonly isUp: boolean
}

const READY_MS = 10_000
const LOOK_MS = 10

/** pasta's address for the machine's name servers, wherever those are; from a range that is not routed. */
const PASTA_NAMES = '169.254.6.53'
/** slirp4netns's own. */
const SLIRP_NAMES = '10.0.2.3'

/**
 * A job's packets become connections of a process of this machine, so everything that this user can reach is
 * reachable, except for what these options exclude: the machine's loopback, and servers at the gateway. Each
 * of pasta's is needed: by default it gives jobs the machine's own 127.0.0.1.
 */
const OPTIONS: Readonly<Record<UserModeProgram, readonly string[]>> = {
  pasta: words(
    `--foreground --quiet --config-net --no-map-gw --dns-forward ${PASTA_NAMES} -t none -u none -T none -U none`,
  ),
  slirp4netns: ['--configure', '--mtu=65520', '--disable-host-loopback'],
}

/**
 * Kills the program when its standard input ends, and so also when this process is killed. Ends with the program.
 */
const GUARDED = [
  'exec 3<&0 0<&-',
  '"$@" 3<&- & child=$!',
  '{ read -r _ <&3; kill -9 "$child"; } 2>/dev/null & guard=$!',
  'wait "$child"',
  'kill "$guard" 2>/dev/null',
].join('\n')

/** Opens one; rejects with `unavailable` and the program's error output. */
export async function openUserNetwork(
  program: UserModeProgram,
  ids: HolderIds = 'current',
): Promise<UserNetwork> {
  await using stack = new AsyncDisposableStack()
  const holder = stack.use(await openHolder(ids))
  const { pid } = holder
  const names = ['--', program, ...OPTIONS[program], String(pid)]
  const args = program === 'slirp4netns' ? [...names, 'tap0'] : names
  const passer = spawn('/bin/sh', ['-c', GUARDED, ...args], {
    env: USER_ENV,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  stack.defer(() => endOf(passer))
  passer.stdin.on('error', () => {})
  const said = text(passer.stderr)
  said.catch(() => {})
  const over = new AbortController()
  passer.once('close', () => over.abort())
  if (!(await hasRoute(pid, over.signal))) {
    passer.stdin.end('\n')
    const words = (await said).trim().split('\n').at(-1) ?? ''
    throw new NarwhalError('unavailable', `${program} failed to create a network: ${words}`)
  }
  const { rest } = await readNameServers()
  const owned = stack.move()
  return {
    holder,
    enter: ['nsenter', '--target', `${pid}`, '--user', '--net', '--preserve-credentials', '--'],
    resolvConf: [`nameserver ${program === 'pasta' ? PASTA_NAMES : SLIRP_NAMES}`, ...rest, ''].join(
      '\n',
    ),
    get isUp() {
      return passer.exitCode === null && passer.signalCode === null
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Waits until the namespace of the process has a route to the outside, or never will. */
async function hasRoute(pid: number, over: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + READY_MS
  while (performance.now() < deadline && !over.aborted) {
    const tables = await Promise.all([
      readFile(`/proc/${pid}/net/route`, 'utf8').catch(() => ''),
      readFile(`/proc/${pid}/net/ipv6_route`, 'utf8').catch(() => ''),
    ])
    const [four, six] = tables
    if (/^\S+\t00000000\t[0-9A-F]{8}\t0003/m.test(four)) return true
    if (/^0{32} 00 0{32} 00 (?!0{32})/m.test(six)) return true
    await sleep(LOOK_MS)
  }
  return false
}

function words(text: string): readonly string[] {
  return text.split(' ')
}
