import { execFile } from 'node:child_process'
import { chmod, chown, realpath } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type NetworkRunner, runnerCommand, startNetworkRunner } from './network-runner.ts'
import { uniquePrefix } from './services.ts'
import { tempDir } from './temp-dir.ts'

const run = promisify(execFile)
const PROGRAMS = ['pasta', 'slirp4netns'] as const

/** The user `nobody`. */
const USER = 65_534
/** Of its subordinate ids. */
const FIRST_ID = 1_000_000
/** An address of the machine that stands for one of the outside, where the test's server listens as well. */
export const USER_WORLD_OUTSIDE = '198.51.100.7'
const BECOME = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', '--']

/** For node:test's `skip`: false if such a world can be made; `none` is one without the programs. */
export async function withoutUserWorlds(
  program: (typeof PROGRAMS)[number] | 'none',
): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'only root can become another user'
  const wanted = ['bwrap', 'ip', 'unshare', ...(program === 'none' ? [] : [program])]
  const works = (...command: readonly [string, ...string[]]) =>
    run(command[0], command.slice(1)).then(
      () => true,
      () => false,
    )
  for (const name of wanted) {
    if (!(await works('sh', '-c', `command -v ${name}`))) return `${name} is not installed`
  }
  const file = new URL('./network-jobs-process.ts', import.meta.url).pathname
  if (!(await works('setpriv', ...BECOME.slice(1), 'test', '-r', file))) {
    return 'an ordinary user can not read this checkout'
  }
  if (!(await works('setpriv', ...BECOME.slice(1), 'unshare', '--user', '--net', 'true'))) {
    return 'an ordinary user can make no namespaces here'
  }
  return false
}

/**
 * A machine, in namespaces of the test's own, on which the runner is an ordinary user, with a device for
 * everybody and no network program but this one.
 */
export async function userWorld(
  program: (typeof PROGRAMS)[number] | 'none',
  { isOffline = false }: { readonly isOffline?: boolean } = {},
): Promise<NetworkRunner> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  await chmod(dir.path, 0o755)
  await chown(dir.path, USER, USER)
  const hidden = PROGRAMS.filter((name) => name !== program)
  const instance = uniquePrefix('user-')
  const setUp = [
    'set -e',
    `mkdir -p /dev/net && touch /dev/net/tun || true`,
    `mknod ${dir.join('tun')} c 10 200 && chmod 666 ${dir.join('tun')}`,
    `mount --bind ${dir.join('tun')} /dev/net/tun`,
    // Ids of its own, for containers.
    `echo ${USER}:${FIRST_ID}:65536 >${dir.join('ids')}`,
    ...['subuid', 'subgid'].map((name) => `mount --bind ${dir.join('ids')} /etc/${name}`),
    ...hidden.map((name) => `path=$(command -v ${name}) && mount --bind /dev/null "$path" || true`),
    'ip link set lo up',
    'ip link add up0 type veth peer name up1',
    'ip addr add 203.0.113.1/24 dev up0 && ip link set up0 up && ip link set up1 up',
    ...(isOffline ? [] : ['ip route add default via 203.0.113.9']),
    `ip addr add ${USER_WORLD_OUTSIDE}/32 dev lo`,
    'exec "$@"',
  ]
  const start = { instance, folder: await realpath(dir.path), settings: {}, names: {} }
  const enter = ['unshare', '--mount', '--net', '--', 'sh', '-c', setUp.join('\n'), 'sh']
  const command = [...enter, ...BECOME, ...runnerCommand(start)]
  const runner = stack.use(await startNetworkRunner(command, instance))
  const owned = stack.move()
  return { ...runner, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
